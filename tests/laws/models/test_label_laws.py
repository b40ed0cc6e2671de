"""Predictions and labels follow from the facts, never from the order in which they arrive."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from online_models.features import features
from online_models.features.carried import carried_features
from online_models.features.features import ActivityTally, InstallCredit, InstallFacts
from online_models.hazard.bins import Horizon, Shape
from online_models.scoring import prospects
from online_models.scoring.landmark_scores import LandmarkVisit, next_landmark_due, reach_landmark
from online_models.scoring.landmarks import LANDMARKS
from online_models.scoring.prospects import Prospect
from online_models.scoring.releases import release_times
from online_models.targets.targets import DEFAULT_TARGETS, PAYING, VALUE, Target, Targets
from schemas.outcomes import FeatureRow, Prediction
from schemas.records import OUTCOMES_ALONE, ActivitySeen, Example, Money, MoneyKind
from schemas.time import DAY_MS, HOUR_MS, EventMs, LogMs
from tests.worlds.model_world import constant_models

INSTALLED_AT = 1_790_000_000_000
# One of those whose predictions are remembered.
FACTS = InstallFacts("i2", "app.one", INSTALLED_AT, "android", "DE", "14.1")
CREDIT = InstallCredit("meta", "c1", "s1", "click_id", "click", 33)
DAY_7 = Target(
    name="retention_d7",
    event="activity",
    shape=Shape((7 * DAY_MS, 8 * DAY_MS), LANDMARKS, (Horizon("d7", 8 * DAY_MS),)),
    headline="d7",
    prior=0.2,
)
TARGETS = Targets((PAYING, DAY_7), DEFAULT_TARGETS.value)
MODELS = constant_models(TARGETS)
END = INSTALLED_AT + 100 * DAY_MS

EDGES = (0, HOUR_MS, DAY_MS, 3 * DAY_MS, 7 * DAY_MS, 8 * DAY_MS, 30 * DAY_MS, 90 * DAY_MS)
instants = st.builds(
    lambda edge, shift: INSTALLED_AT + edge + shift,
    st.sampled_from(EDGES),
    st.sampled_from((-HOUR_MS // 2, -1, 0, 1, HOUR_MS // 2)),
)
ticks = st.builds(
    lambda edge, shift: INSTALLED_AT + edge + shift,
    st.sampled_from((*EDGES, *release_times(PAYING.shape.edges))),
    st.sampled_from((0, 1)),
)
names = st.sampled_from([f"event_{number}" for number in range(9)])
Fact = ActivitySeen | Money


def known_at(fact: Fact) -> int:
    return max(fact.time, fact.ts)


def _activity(name: str, is_session: bool, time: int, late_by: int) -> ActivitySeen:
    return ActivitySeen(
        "i2", "e", name, is_session, EventMs(time), LogMs(time + late_by), (2, 0, 0)
    )


def _purchase(transaction: int, time: int, late_by: int) -> Money:
    return _money(f"t{transaction}", MoneyKind.PURCHASE, 5_000_000, time, late_by)


def _money(transaction: str, kind: MoneyKind, micros: int, time: int, late_by: int) -> Money:
    return Money(
        f"{kind}{transaction}", transaction, kind, "app.one", "i2", "", micros, "USD", "",
        EventMs(time), LogMs(time + late_by), (3, 0, 0),
    )  # fmt: skip


delays = st.sampled_from((-HOUR_MS, 0, 1, HOUR_MS, DAY_MS, 3 * DAY_MS))  # Some clocks are ahead.
activities = st.builds(_activity, names, st.booleans(), instants, delays)
purchases = st.lists(
    st.builds(_purchase, st.integers(0, 20), instants, delays),
    max_size=4,
    unique_by=lambda money: money.transaction_id,
)


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    """Activities, purchases, and refunds of some of them, in part or as a whole."""
    bought = draw(purchases)
    refunds = [
        _money(
            one.transaction_id, MoneyKind.REFUND, -draw(st.sampled_from((2_000_000, 5_000_000))),
            draw(instants), draw(delays),
        )
        for one in bought
        if draw(st.booleans())
    ]  # fmt: skip
    return [*draw(st.lists(activities, max_size=12)), *bought, *refunds]


class Released(NamedTuple):
    state: Prospect
    features: list[FeatureRow]
    predictions: list[Prediction]
    examples: list[Example]


def _see(state: Prospect, fact: Fact) -> Prospect:
    if isinstance(fact, Money):
        return prospects.note_money(state, INSTALLED_AT, fact, 1, TARGETS)
    return prospects.note_activity(state, INSTALLED_AT, fact, TARGETS)


def _reach(state: Prospect, now: int) -> Released:
    """Everything that is due at log time `now`, as the journeys stage does it."""
    answer = Released(state, [], [], [])
    while True:
        due = next_landmark_due(state, INSTALLED_AT)
        if due and not 0 < state.release_due < due:
            if due > now:
                return answer._replace(state=state)
            moment = LandmarkVisit(FACTS, CREDIT, state.next_landmark, due)
            reached = reach_landmark(state, moment, MODELS)
            state = reached.state
            if reached.features is not None:
                answer.features.append(reached.features)
            answer.predictions.extend(reached.predictions)
        elif 0 < state.release_due <= now:
            state, examples = MODELS.releases.release(state, FACTS)
            answer.examples.extend(examples)
        else:
            return answer._replace(state=state)


def _all_at_once(history: list[Fact]) -> Released:
    state = prospects.NEW_PROSPECT
    for fact in history:
        state = _see(state, fact)
    return _reach(state, END)


def _interleaved(history: list[Fact], stops: list[int], drawn: st.DataObject) -> Released:
    """Deliver each fact at any moment, as long as it is there once stage time is past it."""
    stops = [*sorted(stops), END]
    waiting: list[list[Fact]] = [[] for _ in stops]
    for fact in history:
        deadline = next(n for n, stop in enumerate(stops) if stop > known_at(fact) or stop == END)
        waiting[drawn.draw(st.integers(0, deadline))].append(fact)
    answer = Released(prospects.NEW_PROSPECT, [], [], [])
    for stop, arriving in zip(stops, waiting, strict=True):
        state = answer.state
        for fact in drawn.draw(st.permutations(arriving)):
            state = _see(state, fact)
        more = _reach(state, stop)
        answer = Released(
            more.state,
            answer.features + more.features,
            answer.predictions + more.predictions,
            answer.examples + more.examples,
        )
    return answer


@settings(deadline=None, max_examples=200)
@given(histories(), st.lists(ticks, max_size=6), st.data())
def test_any_arrival_order_that_watermarks_allow_says_the_same(
    history: list[Fact], stops: list[int], drawn: st.DataObject
) -> None:
    expected, answer = _all_at_once(history), _interleaved(history, stops, drawn)

    assert answer[1:] == expected[1:]
    assert (answer.state.next_landmark, answer.state.release_due) == (len(LANDMARKS), 0)


@settings(deadline=None, max_examples=100)
@given(histories(), st.integers(0, len(LANDMARKS) - 1))
def test_what_became_known_after_a_landmark_cannot_change_what_is_said_at_it(
    history: list[Fact], landmark: int
) -> None:
    due = INSTALLED_AT + LANDMARKS[landmark].after_ms
    known_before = [fact for fact in history if known_at(fact) < due]

    full, cut = _all_at_once(history), _all_at_once(known_before)

    assert [one for one in full.features if one.landmark_time <= due] == [
        one for one in cut.features if one.landmark_time <= due
    ]
    assert [one for one in full.predictions if one.landmark_time <= due] == [
        one for one in cut.predictions if one.landmark_time <= due
    ]


@settings(deadline=None, max_examples=100)
@given(histories())
def test_landmarks_without_a_row_have_the_features_of_the_last_row_carried_forward(
    history: list[Fact],
) -> None:
    state = prospects.NEW_PROSPECT
    for fact in history:
        state = _see(state, fact)
    rows = {row.landmark: row.features for row in _all_at_once(history).features}

    last = LANDMARKS[0].name
    for number, landmark in enumerate(LANDMARKS):
        expected = features.features_at(number, FACTS, CREDIT, state.tally)
        newest = state.tally.buckets[number - 1 : number] if number else ()
        is_quiet = number > 0 and not any(one.sessions or one.events for one in newest)
        assert (landmark.name in rows) == (not is_quiet)
        last = last if is_quiet else landmark.name
        found = carried_features(rows[last], last, landmark.name) if is_quiet else rows[last]
        assert found == expected


@settings(deadline=None, max_examples=100)
@given(histories())
def test_the_first_payment_falls_into_the_bin_that_a_scan_finds(history: list[Fact]) -> None:
    """Or, when it was reported too late for that bin, into it all the same: a late row."""
    answer = [one for one in _learned(history) if one.target == "payer"]
    shape = PAYING.shape

    expected, _ = _first_payment(history)

    assert [one.bin for one in answer if one.label] == ([] if expected is None else [expected])
    negatives = [one.bin for one in answer if not one.label]
    assert negatives == list(range(len(negatives)))
    assert len(answer) <= shape.bins


def _learned(history: list[Fact]) -> list[Example]:
    return [one for one in _all_at_once(history).examples if one.bin != OUTCOMES_ALONE]


def _first_payment(history: list[Fact]) -> tuple[int | None, int]:
    """The bin of the first payment, and the age at which a release told of it; by a scan."""
    for bin_, due in enumerate(release_times(PAYING.shape.edges)):
        now = INSTALLED_AT + due
        known = [_bin_of_purchase(one, history, now) for one in history if known_at(one) < now]
        expected = min((one for one in known if one is not None and one <= bin_), default=None)
        if expected is not None:
            return expected, due
    return None, 0


def _bin_of_purchase(fact: Fact, history: list[Fact], now: int) -> int | None:
    if not isinstance(fact, Money) or fact.kind is not MoneyKind.PURCHASE:
        return None
    refunds = [
        one
        for one in history
        if isinstance(one, Money)
        and one.kind is MoneyKind.REFUND
        and one.transaction_id == fact.transaction_id
    ]
    taken_back = -sum(one.amount_micros for one in refunds) >= fact.amount_micros
    if taken_back and max(map(known_at, refunds)) < now:
        return None
    bin_ = PAYING.shape.bin_at(max(fact.time - INSTALLED_AT, 0))
    return bin_ if bin_ < PAYING.shape.bins else None


@settings(deadline=None, max_examples=100)
@given(histories())
def test_who_was_active_on_day_seven_is_who_a_scan_finds(history: list[Fact]) -> None:
    (answer,) = [one for one in _learned(history) if one.target == DAY_7.name]
    day_7 = range(INSTALLED_AT + 7 * DAY_MS, INSTALLED_AT + 8 * DAY_MS)
    due = INSTALLED_AT + release_times(DAY_7.shape.edges)[0]

    active = any(
        isinstance(one, ActivitySeen) and one.time in day_7 and known_at(one) < due
        for one in history
    )

    assert answer.label == active
    assert [one.landmark for one in answer.snapshots] == list(range(len(LANDMARKS)))


@settings(deadline=None, max_examples=100)
@given(histories())
def test_money_of_all_steps_is_the_money_known_in_ninety_days(history: list[Fact]) -> None:
    steps = [one for one in _all_at_once(history).examples if one.target == VALUE]

    known = sum(
        one.amount_micros
        for one in history
        if isinstance(one, Money) and known_at(one) < INSTALLED_AT + 90 * DAY_MS
    )

    assert sum(one.amount_micros for one in steps) == known
    assert [one.bin for one in steps] == list(range(7))
    last = steps[-1]
    assert last.spent_micros + last.amount_micros == known
    assert len(last.snapshots) == len(last.amounts_micros) == len(LANDMARKS)


@settings(deadline=None, max_examples=100)
@given(histories())
def test_every_prediction_is_followed_by_what_came_of_it_at_each_horizon(
    history: list[Fact],
) -> None:
    answer = _all_at_once(history)

    for target in ("payer", DAY_7.name, VALUE):
        promised = [
            (LANDMARKS.index(_landmark(one)), horizon)
            for one in answer.predictions
            for horizon in _promised(one, target)
        ]
        kept = [
            (one.landmark, one.horizon)
            for example in answer.examples
            if example.target == target
            for one in example.served
        ]
        assert sorted(kept) == sorted(promised)


@settings(deadline=None, max_examples=100)
@given(histories())
def test_what_came_of_a_prediction_is_told_when_its_horizon_is_over_payer_or_not(
    history: list[Fact],
) -> None:
    answer = _all_at_once(history)
    found = {
        (one.landmark, one.horizon): (example.matured_at - INSTALLED_AT, one.outcome)
        for example in answer.examples
        if example.target == "payer"
        for one in example.served
    }

    bin_, known_after = _first_payment(history)
    releases = release_times(PAYING.shape.edges)
    ends = [PAYING.shape.bins_until(number) for number in range(len(PAYING.shape.horizons))]
    expected = {}
    for horizon, end in zip(PAYING.shape.horizons, ends, strict=True):
        due = releases[end - 1]
        paid = bin_ is not None and bin_ < end and known_after <= due
        expected[horizon.name] = (due, float(paid))
    assert found == {
        (LANDMARKS.index(_landmark(one)), horizon): expected[horizon]
        for one in answer.predictions
        for horizon in _promised(one, "payer")
    }


def _promised(prediction: Prediction, target: str) -> dict[str, float]:
    if target == VALUE:
        return prediction.amounts
    return prediction.chances if prediction.target == target else {}


def _landmark(prediction: Prediction) -> object:
    return next(one for one in LANDMARKS if one.name == prediction.landmark)


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
