"""Whom a take-over fences and what it claims, without Kafka."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from streams.runtime.identity import PositionLabel, read_label
from streams.runtime.offsets import CommittedPosition, CommittedPositions
from streams.runtime.transactions.ownership import Round, claims_of, taking_over, unread_of

MATCH, INSTALLS = ("match", 0), ("installs", 0)
INPUTS = {MATCH: "headwater-matching-0", INSTALLS: "headwater-intake-0"}
OLD_IDS = frozenset(INPUTS.values())


def owned(*owners: str) -> CommittedPositions:
    return {
        tp: CommittedPosition(7, PositionLabel(producer=owner))
        for tp, owner in zip(INPUTS, owners, strict=False)
    }


def rounds(answers: Sequence[CommittedPositions]) -> list[Round]:
    """The last answer names nobody new, and is what it returns."""
    taking = taking_over(INPUTS, "me")
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
    """Also where nobody has to be fenced; the worker's own id is nobody."""
    for answer in (owned(), owned("me", "")):
        assert rounds([answer, answer]) == [
            Round(OLD_IDS, must_be_settled=False),
            Round(frozenset(), must_be_settled=True),
        ]


def test_a_claim_keeps_the_offset_and_the_rest_of_its_label() -> None:
    known = PositionLabel(log="c/t", changelog="c/s", changelog_end=9, producer="other")
    found = {MATCH: CommittedPosition(7, known)}
    assert unread_of(INPUTS, found) == [INSTALLS]
    claims = claims_of(found, {INSTALLS: 3}, "me")
    (offset, label), (first, unread) = claims[MATCH], claims[INSTALLS]
    assert (offset, read_label(label).changelog_end, read_label(label).producer) == (7, 9, "me")
    assert (first, read_label(unread)) == (3, PositionLabel(producer="me", is_unread=True))
