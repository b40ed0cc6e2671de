"""Weights of Markov removal effects, from the counts that the credit learner keeps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from attribution.multi_touch import markov
from attribution.multi_touch.markov import Chain, Unsolved
from attribution.multi_touch.paths import CodedPaths, FloatArray, Path, code_paths
from attribution.multi_touch.split import split_weights
from online_models.credit.counts import PathCounts
from online_models.credit.hazard import AppChannel
from online_models.credit.persistence import MarkovWeights
from online_models.credit.window import ChannelCodes


def weigh(counts: PathCounts, names: ChannelCodes) -> MarkovWeights:
    """Weights by which installs are split so that each channel gets, from all installs of its app
    together, its part of the removal effects. Apps share no channels, so one chain and one fit
    answer for all of them. Nothing where the chain cannot be solved: then channels share equally.
    """
    effects = _removal_effects(counts)
    if not effects or not counts.sets:
        return {}
    installs = code_paths(
        Path(tuple(map(str, channels)), weight, 0.0, 0.0)
        for channels, weight in sorted(counts.sets.items())
    )
    name_of = {number: name for name, number in names.channels.items()}
    named = [name_of[int(number)] for number in installs.channels]
    removal = np.array([effects.get(int(number), 0.0) for number in installs.channels])
    weights = split_weights(installs, _credit_by_app(installs, removal, named)).weights
    return dict(zip(named, weights.tolist(), strict=True))


def _credit_by_app(
    installs: CodedPaths, removal: FloatArray, named: list[AppChannel]
) -> FloatArray:
    """Conversions of each channel: those of its app, in proportion to removal effects."""
    apps = np.unique([app_id for app_id, _ in named], return_inverse=True)[1]
    first_channel = installs.codes[installs.starts]
    conversions = np.bincount(apps[first_channel], installs.amounts[:, 0], len(named))
    effects = np.bincount(apps, removal, len(named))
    scale = np.divide(conversions, effects, out=np.zeros(len(named)), where=effects > 0)
    return np.asarray(removal * scale[apps])


def _removal_effects(counts: PathCounts) -> Mapping[int, float]:
    """Of first order, by channel code."""
    codes = sorted(counts.starts.keys() | {after for _, after in counts.moves})
    if not codes:
        return {}
    effects = markov.removal_effects(_chain(counts, codes))
    if isinstance(effects, Unsolved):
        return {}
    return dict(zip(codes, effects[:, 0].tolist(), strict=True))


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
