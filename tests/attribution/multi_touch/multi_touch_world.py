"""Paths to credit, and what models say when computed the slow and obvious way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations, permutations
from typing import TypeVar

import numpy as np

from attribution.multi_touch.markov import Chain, Unsolved, fit_chain, removal_effects
from attribution.multi_touch.models import Heuristic
from attribution.multi_touch.paths import FloatArray, Path, code_paths

ValueOf = Callable[[frozenset[str]], float]
State = tuple[str, ...]
_Answer = TypeVar("_Answer")


def path(channels: str, conversions: float = 1, value: float = 0, nulls: float = 0) -> Path:
    """A path whose channels are letters."""
    return Path(tuple(channels), conversions, value, nulls)


def channels_of(paths: Iterable[Path]) -> list[str]:
    return sorted({channel for one in paths for channel in one.channels})


def chain_of(paths: Sequence[Path], order: int) -> Chain:
    return solved(fit_chain(code_paths(paths), order))


def effects_of(paths: Sequence[Path], order: int) -> FloatArray:
    return solved(removal_effects(chain_of(paths, order)))


def solved(answer: _Answer | Unsolved) -> _Answer:
    assert not isinstance(answer, Unsolved)
    return answer


def naive_weights(heuristic: Heuristic, count: int, half_life: float) -> list[float]:
    """The part of a path that each of its touchpoints gets, read off the definitions."""
    if heuristic == "first":
        return [1.0] + [0.0] * (count - 1)
    if heuristic == "last":
        return [0.0] * (count - 1) + [1.0]
    if heuristic == "linear":
        return [1 / count] * count
    if heuristic == "position":
        if count == 1:
            return [1.0]
        if count == 2:
            return [0.5, 0.5]
        return [0.4] + [0.2 / (count - 2)] * (count - 2) + [0.4]
    raw = [2 ** (-(count - 1 - index) / half_life) for index in range(count)]
    return [weight / sum(raw) for weight in raw]


def naive_heuristic(
    paths: Iterable[Path], heuristic: Heuristic, half_life: float
) -> dict[str, tuple[float, float]]:
    credit: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for one in paths:
        weights = naive_weights(heuristic, len(one.channels), half_life)
        for channel, weight in zip(one.channels, weights, strict=True):
            conversions, value = credit[channel]
            credit[channel] = conversions + weight * one.conversions, value + weight * one.value
    return dict(credit)


class NaiveChain:
    """A chain of named states, solved by inverting the whole matrix for every question."""

    def __init__(self, paths: Sequence[Path], order: int) -> None:
        self.taken = sum(one.conversions + one.nulls for one in paths)
        self._moves: dict[State, dict[State, float]] = defaultdict(lambda: defaultdict(float))
        self._ends: dict[State, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for one in paths:
            state: State = ()
            for index in range(len(one.channels)):
                after = one.channels[max(0, index + 1 - order) : index + 1]
                self._moves[state][after] += one.conversions + one.nulls
                state = after
            self._moves[state][("(end)",)] += one.conversions + one.nulls
            self._ends[state][0] += one.conversions
            self._ends[state][1] += one.value

    def value_of(self, present: frozenset[str], column: int = 0) -> float:
        """Conversions (or value) when everyone who comes to another channel gives up there."""
        states = [one for one in self._moves if not one or one[-1] in present]
        matrix = np.zeros((len(states), len(states)))
        reward = np.zeros(len(states))
        for index, state in enumerate(states):
            left = sum(self._moves[state].values())
            if left:
                reward[index] = self._ends[state][column] / left
                for other, after in enumerate(states):
                    matrix[index, other] = self._moves[state].get(after, 0) / left
        visited = np.linalg.inv(np.eye(len(states)) - matrix)[states.index(())]
        return float(self.taken * visited @ reward)


def naive_effect(paths: Sequence[Path], order: int, channel: str, column: int) -> float:
    chain, everyone = NaiveChain(paths, order), frozenset(channels_of(paths))
    whole = chain.value_of(everyone, column)
    return 1 - chain.value_of(everyone - {channel}, column) / whole if whole else 0.0


def naive_shapley(channels: Sequence[str], value_of: ValueOf) -> dict[str, float]:
    """The mean of what each channel adds, over every order there is."""
    added = dict.fromkeys(channels, 0.0)
    orders = list(permutations(channels))
    for order in orders:
        for index, channel in enumerate(order):
            before = frozenset(order[:index])
            added[channel] += (value_of(before | {channel}) - value_of(before)) / len(orders)
    return added


def whole_paths(paths: Iterable[Path], column: int = 0) -> ValueOf:
    """The game in which a set is worth the paths that need no other channel."""
    listed = list(paths)

    def value_of(present: frozenset[str]) -> float:
        return sum(
            (one.value if column else one.conversions)
            for one in listed
            if present.issuperset(one.channels)
        )

    return value_of


def sets_of(channels: Sequence[str]) -> Iterator[frozenset[str]]:
    for size in range(len(channels) + 1):
        yield from map(frozenset, combinations(channels, size))
