"""When an install is scored, and what becomes of its predictions."""

from __future__ import annotations

import msgspec

from online_models import labels
from online_models.fallback import Tiers
from online_models.features import Credit, InstallFacts
from online_models.labels import PayerState, PaymentFate, Said
from online_models.landmarks import DAY_MS, HORIZON_MS, HOUR_MS, LANDMARKS, matures_at
from online_models.payer import Scorer
from schemas.records import ActivitySeen

T0 = 1_790_000_000_000
FACTS = InstallFacts("i1", "app.one", T0, "android", "DE", "14.1")
META = Credit("meta", "c1", "s1", "click_id", "click", 33)
ORGANIC = Credit("organic", "", "", "none", "", -1)
CONSTANT = Tiers(prior=0.05)


def _activity(time: int, name: str = "session") -> ActivitySeen:
    return ActivitySeen("i1", f"e{time}", name, name == "session", time, time, (2, 0, 0))


def _reach(state: PayerState, stage_time: int, credit: Credit = META) -> Said:
    return labels.reach(state, FACTS, credit, stage_time, CONSTANT)


def _paid(state: PayerState, paid_at: int, logged_at: int = 0) -> PayerState:
    return labels.see_payment(state, T0, paid_at, logged_at or paid_at)[0]


def test_an_install_is_scored_at_each_landmark_when_it_is_due() -> None:
    state, dues = labels.NEW, []
    while due := labels.next_due(state, T0):
        dues.append(due)
        state = _reach(state, due).state

    assert dues == [T0 + landmark.after_ms for landmark in LANDMARKS] + [matures_at(T0)]
    assert state.is_closed


def test_nothing_is_said_before_it_is_due() -> None:
    scored = _reach(labels.NEW, T0).state

    assert _reach(scored, T0 + HOUR_MS - 1) == (scored, [], [], [], 0)


def test_a_prediction_carries_the_landmark_and_not_the_tick_that_noticed_it() -> None:
    first, second = _reach(labels.NEW, T0 + HOUR_MS + 777).predictions

    assert (first.prediction_id, first.predicted_at) == ("i1:payer_d7:install", T0)
    assert (second.prediction_id, second.predicted_at) == ("i1:payer_d7:1h", T0 + HOUR_MS)
    assert second.horizon_s == 7 * 86_400


def test_predictions_name_the_model_that_made_them() -> None:
    tiers = Tiers(prior=0.05, model=Scorer("payer_d7-500-abcdef01", 500, 0.0, {}))

    said = labels.reach(labels.NEW, FACTS, META, T0, tiers)

    assert said.predictions[0].tier == "full"
    assert said.predictions[0].model_version == "payer_d7-500-abcdef01"
    assert said.predictions[0].probability == 0.5


def test_who_never_pays_is_a_negative_example_of_every_landmark() -> None:
    examples = _reach(labels.NEW, matures_at(T0)).examples

    assert [(row.landmark, row.label) for row in examples] == [
        ("install", False),
        ("1h", False),
        ("1d", False),
    ]


def test_a_payment_is_a_positive_example_of_the_landmarks_before_it() -> None:
    state = _paid(_reach(labels.NEW, T0).state, T0 + 2 * HOUR_MS)

    said = _reach(state, matures_at(T0))

    assert [(row.landmark, row.label) for row in said.examples] == [("install", True), ("1h", True)]
    assert [row.landmark for row in said.predictions] == ["1h"], "known payers are not scored"


def test_payers_and_others_of_the_same_age_are_released_together() -> None:
    payer = _reach(_paid(labels.NEW, T0 + HOUR_MS // 2), T0).state
    other = _reach(labels.NEW, T0 + DAY_MS).state

    assert labels.next_due(payer, T0) == labels.next_due(other, T0) == matures_at(T0)


def test_a_payment_on_the_last_instant_of_the_horizon_counts_and_one_after_it_does_not() -> None:
    on_time = _paid(labels.NEW, T0 + HORIZON_MS)
    after, fate = labels.see_payment(labels.NEW, T0, T0 + HORIZON_MS + 1, T0 + HORIZON_MS + 1)

    assert {row.label for row in _reach(on_time, matures_at(T0)).examples} == {True}
    assert (after, fate) == (labels.NEW, PaymentFate.AFTER_HORIZON)


def test_a_late_payment_counts_until_the_labels_are_final() -> None:
    just = labels.see_payment(labels.NEW, T0, T0 + DAY_MS, matures_at(T0) - 1)
    late = labels.see_payment(labels.NEW, T0, T0 + DAY_MS, matures_at(T0))

    assert just[1] is PaymentFate.NOTED
    assert late == (labels.NEW, PaymentFate.TOO_LATE)


def test_a_payment_for_closed_labels_changes_nothing_and_says_so() -> None:
    closed = _reach(labels.NEW, matures_at(T0)).state

    assert labels.see_payment(closed, T0, T0 + 5, T0 + 5) == (closed, PaymentFate.TOO_LATE)


def test_a_prediction_for_someone_who_had_paid_unknown_to_us_gets_no_label() -> None:
    state = _reach(labels.NEW, T0 + HOUR_MS).state

    said = _reach(_paid(state, T0 + 60_000, logged_at=T0 + 2 * HOUR_MS), matures_at(T0))

    assert [row.landmark for row in said.examples] == ["install"]
    assert said.withdrawn == 1


def test_who_paid_before_the_install_is_never_scored() -> None:
    state = _paid(labels.NEW, T0 - DAY_MS)

    assert labels.next_due(state, T0) == 0
    assert _reach(state, matures_at(T0)) == (state, [], [], [], 0)


def test_activity_that_arrives_after_its_landmark_was_scored_counts_for_the_next() -> None:
    scored = _reach(labels.NEW, T0 + HOUR_MS)

    state = labels.see_activity(scored.state, T0, _activity(T0 + 5))
    said = _reach(state, matures_at(T0))

    assert said.examples[1].features == scored.features[1].features
    assert said.features[0].features["sessions@1d"] > 0


def test_activity_after_the_last_landmark_leaves_the_state_alone() -> None:
    state = labels.NEW

    assert labels.see_activity(state, T0, _activity(T0 + DAY_MS)) is state


def test_an_example_keeps_the_credit_of_its_prediction_when_the_decision_changes() -> None:
    state = _reach(labels.NEW, T0, credit=META).state

    examples = _reach(state, matures_at(T0), credit=ORGANIC).examples

    assert "media_source=meta" in examples[0].features
    assert "media_source=organic" in examples[1].features


def test_the_state_of_a_busy_install_is_small_and_survives_encoding() -> None:
    state = labels.NEW
    for number in range(200):
        activity = _activity(T0 + number * HOUR_MS // 10, f"event_{number % 12}")
        state = labels.see_activity(state, T0, activity)
    state = _reach(state, T0 + DAY_MS).state

    encoded = msgspec.msgpack.encode(state)

    assert len(encoded) < 500
    assert msgspec.msgpack.decode(encoded, type=PayerState) == state
    assert len(msgspec.msgpack.encode(_reach(state, matures_at(T0)).state)) < 20
