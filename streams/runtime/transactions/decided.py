"""What the lanes of a worker have decided, as the messages of one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec

from streams.runtime.checkpoint import OffsetLabel
from streams.stages.contract import Effects, Message, TopicPartition


class Decided(Protocol):
    """The checkpoint of one lane."""

    @property
    def effects(self) -> Effects: ...

    @property
    def changelog(self) -> TopicPartition | None: ...

    @property
    def changelog_end(self) -> int | None: ...

    @property
    def label(self) -> OffsetLabel: ...


def taken_together(waiting: Iterable[Decided], messages_max: int) -> int:
    """How many checkpoints, in the order in which they wait, go into the next transaction.

    As many as keep to the bound, and one that exceeds it by itself.
    """
    count = messages = 0
    for checkpoint in waiting:
        effects = checkpoint.effects
        messages += sum(map(len, effects.messages.values())) + len(effects.changes)
        if count and messages > messages_max:
            break
        count += 1
    return count


def merged(taken: Iterable[Decided]) -> dict[TopicPartition, list[Message]]:
    """Messages of the same lane to the same partition keep their order."""
    together: dict[TopicPartition, list[Message]] = {}
    for checkpoint in taken:
        for tp, messages in checkpoint.effects.messages.items():
            known = together.get(tp)
            together[tp] = messages if known is None else known + messages
        if (changes := checkpoint.effects.changes) and checkpoint.changelog:
            together[checkpoint.changelog] = [Message(*change) for change in changes.items()]
    return together


def positions_of(taken: Iterable[Decided], owner: str) -> dict[TopicPartition, tuple[int, str]]:
    """How far the inputs are decided, with labels that name the producer that commits them."""
    positions = {}
    for checkpoint in taken:
        for tp, offset in checkpoint.effects.positions.items():
            label = checkpoint.label(tp[0], checkpoint.changelog_end)
            positions[tp] = (offset, msgspec.structs.replace(label, producer=owner).text())
    return positions
