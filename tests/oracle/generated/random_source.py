"""Chance from one method, so that a seed and Hypothesis can both play; 0 is the simplest fall."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class RandomSource(Protocol):
    def below(self, bound: int) -> int:
        """One of 0, 1, … bound - 1."""


class Seeded:
    """The same falls for the same seed, in any process."""

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(seed).random

    def below(self, bound: int) -> int:
        return int(self._random() * bound)


def pick(random_source: RandomSource, options: Sequence[T]) -> T:
    """The simplest option comes first; one that is there twice falls twice as often."""
    return options[random_source.below(len(options))]


def happens(random_source: RandomSource, percent: int) -> bool:
    return random_source.below(100) >= 100 - percent


def shuffled(random_source: RandomSource, items: Sequence[T]) -> list[T]:
    """All falls 0: the order stays."""
    rest, found = list(items), []
    while rest:
        found.append(rest.pop(random_source.below(len(rest))))
    return found
