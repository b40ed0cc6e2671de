"""Which journeys of a partition are still to be decided again after the rules have changed.

A worker that starts with other rules than its state was written under asks every journey once
more, some at a time. How far it has come is part of the state, so a restart goes on there.
"""

from __future__ import annotations

from collections.abc import Iterable

RECONSIDERED_AT_ONCE = 2_000
"""So many journeys are decided again in one checkpoint, at most."""


class RuleChange:
    def __init__(self, rule_set: str) -> None:
        self._rule_set = rule_set
        self._pending: list[bytes] = []  # the last one comes first
        self._done = b""

    def restore(self, value: bytes, keys: Iterable[bytes]) -> None:
        """`value` is what `encode` gave, empty for new state; `keys` are all journeys."""
        rule_set, _, done = value.partition(b" ")
        if rule_set.decode() in ("", self._rule_set):
            pending = [key for key in keys if key > done] if done else []
        else:
            pending = list(keys)
        self._pending = sorted(pending, reverse=True)

    def __len__(self) -> int:
        """How many are still to be asked."""
        return len(self._pending)

    def take(self) -> list[bytes]:
        """The next journeys to decide again, in order."""
        count = min(len(self._pending), RECONSIDERED_AT_ONCE)
        keys = [self._pending.pop() for _ in range(count)]
        self._done = keys[-1] if self._pending and keys else b""
        return keys

    def encode(self) -> bytes:
        """The rules that are in force, and up to which key everybody was asked; none: all were."""
        return self._rule_set.encode() + (b" " + self._done if self._done else b"")
