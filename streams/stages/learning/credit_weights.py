"""Markov removal effects and Shapley values from the counts that the credit learner keeps."""

from __future__ import annotations

import numpy as np

from attribution.multi_touch import markov, shapley
from attribution.multi_touch.markov import Chain, Unsolved
from attribution.multi_touch.paths import Path, code_paths
from online_models.credit.counts import PathCounts
from online_models.credit.hazard import AppChannel
from online_models.credit.persistence import ChannelWeights
from online_models.credit.window import ChannelCodes


def weigh(counts: PathCounts, names: ChannelCodes) -> ChannelWeights:
    """Apps share no channels, so one chain answers for all of them."""
    name_of = {number: name for name, number in names.channels.items()}
    return ChannelWeights(_removal_effects(counts, name_of), _shapley_values(counts, name_of))


def _removal_effects(counts: PathCounts, name_of: dict[int, AppChannel]) -> dict[AppChannel, float]:
    """Of first order. Nothing where the chain cannot be solved: then channels share equally."""
    codes = sorted(counts.starts.keys() | {after for _, after in counts.moves})
    if not codes:
        return {}
    effects = markov.removal_effects(_chain(counts, codes))
    if isinstance(effects, Unsolved):
        return {}
    return dict(zip(map(name_of.__getitem__, codes), effects[:, 0].tolist(), strict=True))


def _chain(counts: PathCounts, codes: list[int]) -> Chain:
    state = {number: index for index, number in enumerate(codes)}
    size = len(codes)
    start, visits, rewards = np.zeros(size), np.zeros(size), np.zeros((size, 2))
    for number, weight in counts.starts.items():
        start[state[number]] = visits[state[number]] = weight
    moves = sorted(counts.moves)
    come_from = np.array([state[before] for before, _ in moves], np.int64)
    go_to = np.array([state[after] for _, after in moves], np.int64)
    moved = np.array([counts.moves[move] for move in moves], np.float64)
    visits += np.bincount(go_to, moved, size)
    for number, weight in counts.converted.items():
        rewards[state[number], 0] = weight / visits[state[number]]
    return Chain(
        tuple(map(str, codes)),
        np.arange(size),
        come_from,
        go_to,
        moved / visits[come_from],
        start,
        visits,
        rewards,
        np.array([sum(counts.converted.values()), 0.0]),
    )


def _shapley_values(counts: PathCounts, name_of: dict[int, AppChannel]) -> dict[AppChannel, float]:
    if not counts.sets:
        return {}
    paths = code_paths(
        Path(tuple(map(str, channels)), weight, 0.0, 0.0)
        for channels, weight in sorted(counts.sets.items())
    )
    values = shapley.of_paths(paths)[:, 0].tolist()
    return {
        name_of[int(number)]: value for number, value in zip(paths.channels, values, strict=True)
    }
