"""What a take-over has to fence and to claim, whoever asks Kafka; see the package."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import NamedTuple

import msgspec

from streams.runtime.identity import PositionLabel
from streams.runtime.offsets import CommittedPositions
from streams.stages.contract import TopicPartition

Claims = dict[TopicPartition, tuple[int, str]]
"""Offsets to commit, with their metadata."""


class Succession(NamedTuple):
    """Who commits for an input from now on, and who may have done so without a name."""

    elder: str
    """The transactional id of builds whose labels name no owner."""
    owner: str


class Round(NamedTuple):
    """Fence these transactional ids, then read what is committed."""

    fence: frozenset[str]
    must_be_settled: bool
    """Whether no transaction under way may still change what is read."""


def successions(
    inputs: Mapping[tuple[str, int], Iterable[TopicPartition]], owners: Mapping[str, str]
) -> dict[TopicPartition, Succession]:
    """Of the inputs of these lanes, whose stages commit with these transactional ids."""
    return {
        tp: Succession(f"headwater-{stage}-{p}", owners[stage])
        for (stage, p), tps in inputs.items()
        for tp in tps
    }


def taking_over(
    inputs: Mapping[TopicPartition, Succession],
) -> Generator[Round, CommittedPositions, CommittedPositions]:
    """Rounds, each answered by what is committed, until nobody but the new owners can commit.

    An elder may own a partition, too, and has not committed anything yet.
    """
    elders = frozenset(one.elder for one in inputs.values())
    fenced, is_settled = elders | {one.owner for one in inputs.values()}, False
    found = yield Round(elders, must_be_settled=False)
    while True:
        former = {at.label.producer for at in found.values() if at.label.producer} - fenced
        if is_settled and not former:
            return found
        fenced, is_settled = fenced | former, True
        found = yield Round(frozenset(former), must_be_settled=True)


def unread_of(inputs: Iterable[TopicPartition], found: CommittedPositions) -> list[TopicPartition]:
    """Partitions that are claimed at the first offset of their log."""
    return [tp for tp in inputs if tp not in found]


def claims_of(
    found: CommittedPositions,
    first: Mapping[TopicPartition, int],
    inputs: Mapping[TopicPartition, Succession],
) -> Claims:
    """What is committed already, in the names of the new owners, and the rest as unread."""
    claims = {}
    for tp, offset in first.items():
        label = PositionLabel(producer=inputs[tp].owner, is_unread=True)
        claims[tp] = (offset, label.text())
    for tp, (offset, known) in found.items():
        named = msgspec.structs.replace(known, producer=inputs[tp].owner)
        claims[tp] = (offset, named.text())
    return claims
