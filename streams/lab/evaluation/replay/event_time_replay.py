"""A model lives through a log: it predicts with what it has learned, then learns what is new."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

from schemas.time import DAY_MS, HOUR_MS
from streams.progress import Progress

_STEP_MS = HOUR_MS
"""How often the model that has learned replaces the one that predicts, in log time."""

FrozenT = TypeVar("FrozenT")

OnLogTime = Callable[[int], None]
"""Receives the log time that a replay has reached, in ms."""


class EventTimeReplay(ABC, Generic[FrozenT]):
    """Walks through log time in steps of an hour; in each it first predicts, then learns.

    A subclass says what is predicted and learned. It may use nothing that was logged at or after
    the end of the step. Features stay as they were frozen at their landmark.
    """

    def __init__(self, begin_ms: int) -> None:
        self._now = begin_ms
        self._frozen: dict[int, list[FrozenT]] = {}
        """By install: features at each landmark reached, from the first one on."""

    def run(self, until_ms: int, on_log_time: OnLogTime) -> None:
        """Go on to `until_ms`. May be called again with a later time."""
        while self._now < until_ms:
            end = min(self._now + _STEP_MS, until_ms)
            self._predict(end)
            self._learn(end)
            self._now = end
            on_log_time(end)

    def _go_on_from(self, other: EventTimeReplay[FrozenT]) -> None:
        """Take over how far another replay has come, without its predictions."""
        self._now = other._now
        self._frozen = {install: list(known) for install, known in other._frozen.items()}

    @abstractmethod
    def _predict(self, end_ms: int) -> None:
        """Predict at every landmark between now and `end_ms`."""

    @abstractmethod
    def _learn(self, end_ms: int) -> None:
        """Learn everything that became known between now and `end_ms`."""


def log_days(advance: Progress, step: str, begin_ms: int, end_ms: int) -> OnLogTime:
    """Report the days of log time that a replay has covered."""
    days = max((end_ms - begin_ms) // DAY_MS, 1)
    return lambda now: advance(f"{step}, days of log time", (now - begin_ms) // DAY_MS, days)
