"""Decides the journeys of a partition again after the rules have changed.

A worker that starts with other rules than those its state was written under decides every journey
once more, a number of them per checkpoint. Its progress is part of the state, so that it resumes
there after a restart.
"""

from __future__ import annotations

from collections.abc import Iterable

RECONSIDERED_AT_ONCE = 2_000
"""Most journeys that are decided again in one checkpoint, so that new records are not held up."""


class RuleChange:
    """The journeys still to decide again. Call `restore` once, then `take` and `encode` per
    batch."""

    def __init__(self, rule_set: str) -> None:
        self._rule_set = rule_set
        self._pending: list[bytes] = []  # in descending order
        self._done = b""

    def restore(self, value: bytes, keys: Iterable[bytes]) -> None:
        """`value` is from `encode`, empty for new state; `keys` are all journeys."""
        rule_set, _, done = value.partition(b" ")
        if rule_set.decode() in ("", self._rule_set):
            pending = [key for key in keys if key > done] if done else []
        else:
            pending = list(keys)
        self._pending = sorted(pending, reverse=True)

    def __len__(self) -> int:
        """Number of journeys still to decide again."""
        return len(self._pending)

    def take(self) -> list[bytes]:
        """The next journeys to decide again, in order."""
        count = min(len(self._pending), RECONSIDERED_AT_ONCE)
        keys = [self._pending.pop() for _ in range(count)]
        self._done = keys[-1] if self._pending and keys else b""
        return keys

    def encode(self) -> bytes:
        """The id of the rules in force, and the last key that was decided again, if any are
        left."""
        return self._rule_set.encode() + (b" " + self._done if self._done else b"")
