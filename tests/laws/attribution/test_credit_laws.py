"""The waterfall is a function of the candidates, whatever their order."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from attribution.decision.candidates import Candidate
from attribution.decision.waterfall import Case, Receipt, rank, review, run_waterfall
from schemas.records import Prior, Signal, Touch, TouchKind
from schemas.time import DAY_MS, HOUR_MS, EventMs, Millis
from tests.worlds.clock import NOON
from tests.worlds.records import RULES, installed

EDGES = (0, 1, HOUR_MS, DAY_MS, 7 * DAY_MS, 30 * DAY_MS, 37 * DAY_MS)
INSTALL = replace(installed(lookups=0), begin_time=EventMs(NOON - HOUR_MS))

near_an_edge = st.builds(
    lambda edge, beside: edge + beside, st.sampled_from(EDGES), st.integers(-1, 1)
)
"""Durations a millisecond around what the rules compare."""


@st.composite
def touches(draw: st.DrawFn) -> Touch:
    time = NOON - draw(near_an_edge)
    lookback = draw(st.sampled_from((0, 0, HOUR_MS, 20 * DAY_MS, 99 * DAY_MS)))
    return Touch(
        draw(st.sampled_from("abcdefgh")), draw(st.sampled_from("xy")),
        draw(st.sampled_from(TouchKind)), time, time + draw(near_an_edge),
        draw(st.sampled_from("mn")), "", "", "", "", "", "", Millis(lookback), Millis(lookback),
        draw(st.booleans()), draw(st.sampled_from((0, 2, 8))),
    )  # fmt: skip


candidates = st.lists(
    st.builds(Candidate, st.sampled_from(Signal), touches()),
    unique_by=lambda one: one.touch.event_id,
)
cases = st.builds(
    lambda age: Case(INSTALL, Prior("p", NOON - age, NOON - age) if age else None), near_an_edge
)


def receipts(found: list[Candidate], case: Case) -> list[Receipt]:
    return review(found, case, run_waterfall(found, case, RULES), RULES).receipts


@given(candidates, cases, st.randoms(use_true_random=False))
def test_the_waterfall_looks_at_records_not_at_their_order(
    found: list[Candidate], case: Case, chance: random.Random
) -> None:
    shuffled = found[:]
    chance.shuffle(shuffled)
    assert run_waterfall(found, case, RULES) == run_waterfall(shuffled, case, RULES)
    assert receipts(found, case) == receipts(shuffled, case)


@given(candidates, cases)
def test_exactly_one_candidate_is_credited_or_none_is_eligible(
    found: list[Candidate], case: Case
) -> None:
    reported = receipts(found, case)
    verdicts = [one.verdict for one in reported]
    assert verdicts.count("credited") == (run_waterfall(found, case, RULES).winner is not None)
    assert ("outranked" in verdicts) <= ("credited" in verdicts)
    assert len(reported) == len(found)


@given(candidates, cases)
def test_whoever_fraud_alone_kept_from_the_credit_ranks_above_the_winner(
    found: list[Candidate], case: Case
) -> None:
    judged = run_waterfall(found, case, RULES)
    if judged.robbed is not None and judged.winner is not None:
        assert rank(judged.robbed) > rank(judged.winner)
    assert (judged.robbed is None) == (judged.robbed_by is None)


@given(candidates)
def test_rank_is_a_total_order(found: list[Candidate]) -> None:
    assert len({rank(one) for one in found}) == len(found)
