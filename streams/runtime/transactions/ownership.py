"""What a take-over has to fence and to claim, whoever asks Kafka; see the package."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import NamedTuple

import msgspec

from streams.runtime.identity import PositionLabel
from streams.runtime.offsets import CommittedPositions
from streams.stages.contract import TopicPartition

Claims = dict[TopicPartition, tuple[int, str]]
"""Offsets to commit, with their metadata."""


class Round(NamedTuple):
    """Fence these transactional ids, then read what is committed."""

    fence: frozenset[str]
    must_be_settled: bool
    """Whether no transaction under way may still change what is read."""


def taking_over(
    inputs: Mapping[TopicPartition, str], owner: str
) -> Generator[Round, CommittedPositions, CommittedPositions]:
    """Rounds, each answered by what is committed, until nobody but `owner` can commit any more.

    `inputs` names, for each partition, the transactional id of builds whose labels name no owner.
    One of those may own the partition, too, and has not committed anything yet.
    """
    fenced, is_settled = frozenset({owner}), False
    found = yield Round(frozenset(inputs.values()), must_be_settled=False)
    fenced |= set(inputs.values())
    while True:
        former = {at.label.producer for at in found.values() if at.label.producer} - fenced
        if is_settled and not former:
            return found
        fenced, is_settled = fenced | former, True
        found = yield Round(frozenset(former), must_be_settled=True)


def unread_of(
    inputs: Mapping[TopicPartition, str], found: CommittedPositions
) -> list[TopicPartition]:
    """Partitions that are claimed at the first offset of their log."""
    return [tp for tp in inputs if tp not in found]


def claims_of(found: CommittedPositions, first: Mapping[TopicPartition, int], owner: str) -> Claims:
    """What is committed already, in the name of `owner`, and the rest as unread."""
    label = PositionLabel(producer=owner, is_unread=True)
    claims = {tp: (offset, label.text()) for tp, offset in first.items()}
    for tp, (offset, known) in found.items():
        claims[tp] = (offset, msgspec.structs.replace(known, producer=owner).text())
    return claims
