"""Whom a take-over fences and what it claims, without Kafka."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec import structs

from streams.runtime.identity import PositionLabel, read_label
from streams.runtime.offsets import CommittedPosition, CommittedPositions
from streams.runtime.transactions.ownership import (
    Round,
    claims_of,
    successions,
    taking_over,
    unread_of,
)

MATCH, INSTALLS = ("match", 0), ("installs", 0)
LANES = {("matching", 0): [MATCH], ("intake", 0): [INSTALLS]}
INPUTS = successions(LANES, {"matching": "my matching", "intake": "my intake"})
OLD_IDS = frozenset({"headwater-matching-0", "headwater-intake-0"})


def owned(*owners: str) -> CommittedPositions:
    return {
        tp: CommittedPosition(7, PositionLabel(producer=owner))
        for tp, owner in zip(INPUTS, owners, strict=False)
    }


def rounds(answers: Sequence[CommittedPositions]) -> list[Round]:
    """The last answer names nobody new, and is what it returns."""
    taking = taking_over(INPUTS)
    asked = [next(taking)]
    asked += [taking.send(answer) for answer in answers[:-1]]
    with pytest.raises(StopIteration) as end:
        taking.send(answers[-1])
    assert end.value.value == answers[-1]
    return asked


def test_whoever_a_label_names_is_fenced_until_none_names_anybody_new() -> None:
    assert rounds([owned("a"), owned("a", "b"), owned("a", "b")]) == [
        Round(OLD_IDS, must_be_settled=False),
        Round(frozenset("a"), must_be_settled=True),
        Round(frozenset("b"), must_be_settled=True),
    ]


def test_what_is_claimed_was_read_when_no_transaction_could_change_it_any_more() -> None:
    """Also where nobody has to be fenced; the worker's own ids are nobody."""
    for answer in (owned(), owned("my matching", ""), owned("my intake", "my matching")):
        assert rounds([answer, answer]) == [
            Round(OLD_IDS, must_be_settled=False),
            Round(frozenset(), must_be_settled=True),
        ]


def test_a_worker_that_had_one_producer_for_all_its_stages_is_fenced_once() -> None:
    assert rounds([owned("w", "w"), owned("w", "w")]) == [
        Round(OLD_IDS, must_be_settled=False),
        Round(frozenset("w"), must_be_settled=True),
    ]


def test_a_claim_keeps_the_offset_and_the_rest_of_its_label() -> None:
    """And names the producer of the stage that reads the partition."""
    known = PositionLabel(log="c/t", changelog="c/s", changelog_end=9, producer="other")
    found = {MATCH: CommittedPosition(7, known)}
    assert unread_of(INPUTS, found) == [INSTALLS]
    claims = claims_of(found, {INSTALLS: 3}, INPUTS)
    (offset, label), (first, unread) = claims[MATCH], claims[INSTALLS]
    assert (offset, read_label(label)) == (7, structs.replace(known, producer="my matching"))
    assert (first, read_label(unread)) == (3, PositionLabel(producer="my intake", is_unread=True))
