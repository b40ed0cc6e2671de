"""Predictions and labels follow from the facts, never from the order in which they arrive."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from online_models import features, labels
from online_models.fallback import Tiers
from online_models.features import ActivityTally, Credit, InstallFacts
from online_models.labels import PayerState, Said
from online_models.landmarks import DAY_MS, HORIZON_MS, HOUR_MS, LANDMARKS, matures_at
from schemas.records import ActivitySeen

INSTALLED_AT = 1_790_000_000_000
FACTS = InstallFacts("i1", "app.one", INSTALLED_AT, "android", "DE", "14.1")
CREDIT = Credit("meta", "c1", "s1", "click_id", "click", 33)
TIERS = Tiers(prior=0.05)
END = INSTALLED_AT + 30 * DAY_MS

EDGES = (0, HOUR_MS, DAY_MS, HORIZON_MS, HORIZON_MS + DAY_MS)
instants = st.builds(
    lambda edge, shift: INSTALLED_AT + edge + shift,
    st.sampled_from(EDGES),
    st.sampled_from((-HOUR_MS // 2, -1, 0, 1, HOUR_MS // 2)),
)
ticks = st.builds(
    lambda edge, shift: INSTALLED_AT + edge + shift,
    st.sampled_from(EDGES),
    st.sampled_from((0, 1)),
)
names = st.sampled_from([f"event_{number}" for number in range(9)])


class Payment(NamedTuple):
    time: int
    ts: int


Fact = ActivitySeen | Payment


def known_at(fact: Fact) -> int:
    return max(fact.time, fact.ts)


def _activity(name: str, is_session: bool, time: int, late_by: int) -> ActivitySeen:
    return ActivitySeen("i1", "e", name, is_session, time, time + late_by, (2, 0, 0))


delays = st.sampled_from((-HOUR_MS, 0, 1, HOUR_MS, DAY_MS))  # Some clocks are ahead.
activities = st.builds(_activity, names, st.booleans(), instants, delays)
payments = st.builds(lambda time, delay: Payment(time, time + delay), instants, delays)
histories = st.tuples(st.lists(activities, max_size=12), st.lists(payments, max_size=3)).map(
    lambda both: [*both[0], *both[1]]
)


def _see(state: PayerState, fact: Fact) -> PayerState:
    if isinstance(fact, Payment):
        return labels.see_payment(state, INSTALLED_AT, fact.time, fact.ts)[0]
    return labels.see_activity(state, INSTALLED_AT, fact)


def _reach(state: PayerState, stage_time: int) -> Said:
    return labels.reach(state, FACTS, CREDIT, stage_time, TIERS)


def _all_at_once(history: list[Fact]) -> Said:
    state = labels.NEW
    for fact in history:
        state = _see(state, fact)
    return _reach(state, END)


def _interleaved(history: list[Fact], stops: list[int], drawn: st.DataObject) -> Said:
    """Deliver each fact at any moment, as long as it is there once stage time is past it."""
    stops = [*sorted(stops), END]
    waiting: list[list[Fact]] = [[] for _ in stops]
    for fact in history:
        deadline = next(n for n, stop in enumerate(stops) if stop > known_at(fact) or stop == END)
        waiting[drawn.draw(st.integers(0, deadline))].append(fact)
    said = Said(labels.NEW, [], [], [], 0)
    for stop, arriving in zip(stops, waiting, strict=True):
        state = said.state
        for fact in drawn.draw(st.permutations(arriving)):
            state = _see(state, fact)
        more = _reach(state, stop)
        said = Said(
            more.state,
            said.features + more.features,
            said.predictions + more.predictions,
            said.examples + more.examples,
            said.withdrawn + more.withdrawn,
        )
    return said


@settings(deadline=None, max_examples=300)
@given(histories, st.lists(ticks, max_size=6), st.data())
def test_any_arrival_order_that_watermarks_allow_says_the_same(
    history: list[Fact], stops: list[int], drawn: st.DataObject
) -> None:
    expected, said = _all_at_once(history), _interleaved(history, stops, drawn)

    assert said[1:] == expected[1:]
    assert labels.next_due(said.state, INSTALLED_AT) == 0


@settings(deadline=None)
@given(histories, st.integers(0, len(LANDMARKS) - 1))
def test_what_became_known_after_a_landmark_cannot_change_its_features(
    history: list[Fact], landmark: int
) -> None:
    due = INSTALLED_AT + LANDMARKS[landmark].after_ms
    known_before = [fact for fact in history if known_at(fact) < due]

    full, cut = _all_at_once(history), _all_at_once(known_before)

    assert full.features[: landmark + 1] == cut.features[: landmark + 1]


@settings(deadline=None)
@given(histories)
def test_examples_carry_the_features_that_were_scored(history: list[Fact]) -> None:
    said = _all_at_once(history)

    scored = {row.landmark: row.features for row in said.features}
    for example in said.examples:
        assert list(example.features.items()) == list(scored[example.landmark].items())
    assert len(said.examples) + said.withdrawn == len(said.predictions)


@settings(deadline=None)
@given(histories)
def test_labels_equal_a_scan_over_all_payments(history: list[Fact]) -> None:
    payments = [
        fact
        for fact in history
        if isinstance(fact, Payment)
        and fact.time <= INSTALLED_AT + HORIZON_MS
        and known_at(fact) < matures_at(INSTALLED_AT)
    ]

    expected = {}
    for landmark in LANDMARKS:
        due = INSTALLED_AT + landmark.after_ms
        if any(known_at(payment) < due for payment in payments):
            break  # Known to pay already: not asked any more.
        if not any(payment.time < due for payment in payments):
            expected[landmark.name] = bool(payments)

    assert {row.landmark: row.label for row in _all_at_once(history).examples} == expected


@given(st.lists(st.tuples(st.integers(0, 1), names, st.booleans()), max_size=40), st.randoms())
def test_counting_activity_commutes_even_when_names_overflow(
    counted: list[tuple[int, str, bool]], chance: Random
) -> None:
    shuffled = list(counted)
    chance.shuffle(shuffled)

    tallies = []
    for order in (counted, shuffled):
        tally = ActivityTally()
        for bucket, name, is_session in order:
            tally = features.count(tally, bucket, name, is_session)
        tallies.append(features.features_at(2, FACTS, CREDIT, tally))

    assert list(tallies[0].items()) == list(tallies[1].items())
