"""Credit never depends on the order of arrival: a naive scan over everything says the same."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from attribution import journey as journeys
from attribution import touch_index
from attribution.facts import Evicted
from attribution.journey import Decision, Journey
from attribution.rules import DAY_MS, HOUR_MS
from attribution.touch_index import TouchIndex
from attribution.waterfall import Candidate, credited, rank, receipts
from schemas.records import Candidates, Installed, InstallSeen, Signal, Touch, TouchKind, TouchSeen
from tests.unit.attribution_world import NOON, RULES, looked_up

KEYS = ("click", "device", "other device")
WEEK_MS = 7 * DAY_MS
EDGES = (0, 1, HOUR_MS, DAY_MS, WEEK_MS, 30 * DAY_MS, 37 * DAY_MS)

near_an_edge = st.builds(
    lambda edge, beside: edge + beside, st.sampled_from(EDGES), st.integers(-1, 1)
)
"""Durations a millisecond around what the rules compare."""


@st.composite
def touches(draw: st.DrawFn) -> Touch:
    time = NOON - draw(near_an_edge)
    lookback = draw(st.sampled_from((0, 0, HOUR_MS, 20 * DAY_MS, 99 * DAY_MS)))
    return Touch(
        draw(st.sampled_from("abcdefgh")), "", draw(st.sampled_from(TouchKind)), time,
        time + draw(near_an_edge), "", "", "", "", "", "", "", lookback, lookback,
    )  # fmt: skip


installs = st.builds(
    lambda late, lookups: (
        Installed("i", "", "", "", "", "", "", NOON, NOON + late, len(lookups), False, (1, 0, 0)),
        lookups,
    ),
    near_an_edge,
    st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(Signal)), unique_by=lambda x: x[0]),
)
histories = st.lists(
    st.tuples(touches(), st.sets(st.sampled_from(KEYS), min_size=1)),
    unique_by=lambda one: one[0].event_id,
    max_size=8,
)
Lookups = list[tuple[str, Signal]]
History = list[tuple[Touch, set[str]]]


def naive(install: Installed, lookups: Lookups, history: History) -> str:
    """The best of all touchpoints that share any key with the install."""
    ranked = [
        (touch.kind, touch.time, -min(signals), touch.event_id)
        for touch, keys in history
        if (signals := [signal for key, signal in lookups if key in keys])
        and 0 <= install.time - touch.time <= RULES.window_ms(touch)
        and touch.ts - install.ts <= RULES.late_ms_max
        and install.ts - touch.ts <= RULES.click_window_ms_max + RULES.late_ms_max
    ]
    return max(ranked)[3] if ranked else "organic"


def records_of(
    install: Installed, lookups: Lookups, history: History
) -> list[TouchSeen | InstallSeen]:
    return [
        *(TouchSeen(key, touch, (0, 0, 0), False) for touch, keys in history for key in keys),
        *(looked_up(install, key, signal, n) for n, (key, signal) in enumerate(lookups)),
    ]


def decide(install: Installed, records: list[TouchSeen | InstallSeen]) -> list[Decision]:
    """All versions, with matching and the journey as they are."""
    indexes: dict[str, TouchIndex] = {}
    journey, said = journeys.see_install(Journey(), install, RULES)
    decisions = [fact for fact in said if isinstance(fact, Decision)]
    for record in records:
        known = indexes.get(record.key)
        if isinstance(record, TouchSeen):
            indexes[record.key], facts = touch_index.see_touch(known, record, RULES)
        else:
            indexes[record.key], facts = touch_index.see_install(known, record, RULES)
        for fact in facts:
            assert not isinstance(fact, Evicted)
            if isinstance(fact, Candidates):
                journey, said = journeys.see_candidates(journey, fact, RULES)
                decisions += [one for one in said if isinstance(one, Decision)]
    return decisions


@settings(deadline=None)
@given(installs, histories, st.randoms(use_true_random=False))
def test_the_final_decision_is_that_of_a_naive_scan_in_any_order_of_arrival(
    asked: tuple[Installed, Lookups], history: History, chance: random.Random
) -> None:
    install, lookups = asked
    records = records_of(install, lookups, history)
    chance.shuffle(records)
    decisions = decide(install, records)
    winner = decisions[-1].winner
    found = winner.touch.event_id if winner is not None else "organic"
    assert found == naive(install, lookups, history)
    assert [one.version for one in decisions] == list(range(1, len(decisions) + 1))


@settings(deadline=None)
@given(installs, histories, st.data())
def test_repeats_of_touchpoints_and_lookups_change_nothing(
    asked: tuple[Installed, Lookups], history: History, data: st.DataObject
) -> None:
    install, lookups = asked
    records = records_of(install, lookups, history)
    repeated = data.draw(st.permutations(records + records))
    final = decide(install, repeated)[-1].winner
    assert (final.touch.event_id if final else "organic") == naive(install, lookups, history)


candidates = st.lists(
    st.builds(Candidate, st.sampled_from(Signal), touches()),
    unique_by=lambda one: one.touch.event_id,
)


@given(candidates, st.randoms(use_true_random=False))
def test_the_waterfall_looks_at_records_not_at_their_order(
    found: list[Candidate], chance: random.Random
) -> None:
    install = Installed("i", "", "", "", "", "", "", NOON, NOON, 0, False, (1, 0, 0))
    shuffled = found[:]
    chance.shuffle(shuffled)
    assert credited(found, install, RULES) == credited(shuffled, install, RULES)
    assert receipts(found, install, RULES) == receipts(shuffled, install, RULES)


@given(candidates)
def test_exactly_one_candidate_is_credited_or_none_is_eligible(found: list[Candidate]) -> None:
    install = Installed("i", "", "", "", "", "", "", NOON, NOON, 0, False, (1, 0, 0))
    told = receipts(found, install, RULES)
    verdicts = [one.verdict for one in told]
    assert verdicts.count("credited") == (credited(found, install, RULES) is not None)
    assert ("outranked" in verdicts) <= ("credited" in verdicts)
    assert len(told) == len(found)


@given(candidates)
def test_rank_is_a_total_order(found: list[Candidate]) -> None:
    assert len({rank(one) for one in found}) == len(found)
