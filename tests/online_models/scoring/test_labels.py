"""What the bins of an install say of it, and when."""

from __future__ import annotations

from msgspec import structs

from online_models.features.frozen import whole
from online_models.scoring import prospects
from online_models.scoring.landmark_scores import LandmarkVisit, is_judged, reach_landmark
from online_models.scoring.landmarks import LANDMARKS
from online_models.scoring.prospects import Prospect, ProspectPayment
from online_models.scoring.releases import release_times
from online_models.targets.targets import DEFAULT_RATES, DEFAULT_TARGETS, PAYING, VALUE
from schemas.records import OUTCOMES_ALONE, Example, Money, MoneyKind
from schemas.time import DAY_MS, HOUR_MS
from tests.worlds.model_world import EPOCH, Life, constant_models, followed, lives, purchase

LIFE = next(iter(lives(1, 7)))._replace(paid_at=0)
T0 = EPOCH


def money(micros: int, at: int, *, logged_at: int = 0, **changes: object) -> Money:
    found = purchase("i0", at, micros=micros)
    return structs.replace(found, ts=logged_at or at, **changes)


def refund(micros: int, at: int) -> Money:
    return money(-micros, at, kind=MoneyKind.REFUND, booking_id=f"refund {at}")


def reported(*facts: Money, target: str = "payer", life: Life = LIFE) -> list[Example]:
    state = prospects.NEW_PROSPECT
    for fact in facts:
        state = prospects.note_money(state, T0, fact, 1, DEFAULT_TARGETS)
    return [one for one in followed(life, state) if one.target == target]


def answer(*facts: Money) -> list[tuple[int, bool]]:
    return [(one.bin, one.label) for one in reported(*facts) if one.bin != OUTCOMES_ALONE]


def test_bins_are_told_at_few_ages_mostly_when_the_install_is_looked_at_anyway() -> None:
    hours = [time / HOUR_MS for time in release_times(PAYING.shape.edges)]
    assert hours == [6, 6, 24, 72, 72, 168, 168, 264, 360, 528, 744]
    for end, release in zip(PAYING.shape.edges[1:], release_times(PAYING.shape.edges), strict=True):
        assert release >= end


def test_what_ends_later_than_all_moments_has_one_of_its_own() -> None:
    assert release_times((60 * DAY_MS, 90 * DAY_MS)) == (90 * DAY_MS,)


def test_who_never_pays_survives_every_bin() -> None:
    assert answer() == [(bin_, False) for bin_ in range(11)]


def test_who_pays_survives_the_bins_before_and_says_nothing_after() -> None:
    assert answer(money(5, T0 + 5 * HOUR_MS)) == [(0, False), (1, True)]


def test_a_bin_is_told_with_the_features_of_every_landmark_before_it() -> None:
    by_bin = {one.bin: [snap.landmark for snap in one.snapshots] for one in reported()}
    assert by_bin[0] == [0]
    assert by_bin[2] == [0, 1, 2]
    assert by_bin[10] == list(range(len(LANDMARKS)))


def test_a_payment_reported_in_time_counts_where_it_happened() -> None:
    late = money(5, T0 + HOUR_MS // 2, logged_at=T0 + 5 * HOUR_MS)
    assert answer(late) == [(0, True)]


def test_a_payment_reported_too_late_gives_a_late_row_and_ends_the_life() -> None:
    late = money(5, T0 + HOUR_MS // 2, logged_at=T0 + 30 * HOUR_MS)
    assert answer(late) == [(0, False), (1, False), (2, False), (0, True)]


def test_a_refund_of_the_whole_purchase_undoes_the_payment() -> None:
    assert answer(money(5, T0 + HOUR_MS), refund(5, T0 + 2 * HOUR_MS)) == answer()


def test_a_refund_of_a_part_does_not() -> None:
    assert answer(money(5, T0 + HOUR_MS), refund(4, T0 + 2 * HOUR_MS))[-1] == (1, True)


def test_a_refund_after_the_bin_was_told_comes_too_late() -> None:
    assert answer(money(5, T0 + HOUR_MS), refund(5, T0 + 3 * DAY_MS))[-1] == (1, True)


def test_ad_revenue_is_money_but_makes_no_payer() -> None:
    shown = money(5_000_000, T0 + HOUR_MS, kind=MoneyKind.AD_REVENUE)
    assert answer(shown) == answer()
    assert sum(one.amount_micros for one in reported(shown, target=VALUE)) == 5_000_000


def test_money_moved_to_another_install_is_as_if_it_had_never_come() -> None:
    paid = money(5, T0 + HOUR_MS)
    state = prospects.note_money(prospects.NEW_PROSPECT, T0, paid, 1, DEFAULT_TARGETS)
    state = prospects.note_money(state, T0, paid, -1, DEFAULT_TARGETS)
    assert sum(state.spans) == 0
    assert [one.label for one in followed(LIFE, state) if one.target == "payer"] == [False] * 11


def test_money_is_told_in_steps_and_after_each_landmark_where_a_bucket_ends() -> None:
    steps = reported(
        money(1_000_000, T0 + HOUR_MS // 2),
        money(2_000_000, T0 + 2 * DAY_MS, transaction_id="t2"),
        money(4_000_000, T0 + 20 * DAY_MS, transaction_id="t3"),
        target=VALUE,
    )
    assert [one.amount_micros for one in steps] == [1_000_000, 2_000_000, 0, 4_000_000, 0, 0, 0]
    assert [one.spent_micros for one in steps][:4] == [0, 1_000_000, 3_000_000, 3_000_000]
    assert steps[0].amounts_micros == [1_000_000, 0, 0]  # install, 1h, 6h
    assert steps[1].amounts_micros == [2_000_000] * 4 + [0]  # until 3d, which has seen it
    assert steps[2].amounts_micros == []  # 14 days end no bucket


def test_other_currencies_count_at_the_declared_rate_and_unknown_ones_do_not() -> None:
    euros = reported(money(5_000_000, T0 + HOUR_MS, currency="EUR"), target=VALUE)
    assert euros[0].amount_micros == round(5_000_000 / DEFAULT_RATES["EUR"])
    unknown = reported(money(5_000_000, T0 + HOUR_MS, currency="XAU"), target=VALUE)
    assert unknown[0].amount_micros == 0


def test_only_the_first_purchases_are_remembered_one_by_one() -> None:
    state = Prospect()
    for number in range(20):
        paid = money(5, T0 + number * HOUR_MS, transaction_id=f"t{number:02}")
        state = prospects.note_money(state, T0, paid, 1, DEFAULT_TARGETS)
    assert [one.transaction_id for one in state.payments] == [f"t{n:02}" for n in range(8)]


def test_a_payment_counts_from_when_it_is_known_until_it_is_known_to_be_taken_back() -> None:
    payment = ProspectPayment("t1", T0, T0 + 5, 10, 10, T0 + 9)
    assert [payment.counts_at(T0 + age) for age in (5, 6, 9, 10)] == [False, True, True, False]


def test_a_target_declared_later_is_not_followed_for_installs_already_scored() -> None:
    started = Prospect(next_landmark=1)
    assert prospects.progress_of(started, "retention_d7").is_over
    assert not prospects.progress_of(prospects.NEW_PROSPECT, "retention_d7").is_over


def test_predictions_of_some_installs_come_back_with_what_came_of_them() -> None:
    facts = structs.replace(LIFE.facts, install_id="i2")
    assert is_judged("i2")
    paid_on_day_3 = reported(money(5, T0 + 3 * DAY_MS + HOUR_MS), life=LIFE._replace(facts=facts))
    found = {
        (one.landmark, one.horizon): one.outcome
        for answer in paid_on_day_3
        for one in answer.served
    }
    assert found[0, "d1"] == 0.0
    assert found[0, "d7"] == found[4, "d7"] == found[0, "d30"] == 1.0
    assert (5, "d30") not in found  # had paid by then: was not asked


def test_a_young_installation_says_of_day_30_what_an_old_one_does() -> None:
    """Half of the installs pay within a day, the others never; one installs every day."""
    facts = structs.replace(LIFE.facts, install_id="i2")
    paid = money(5, T0 + 5 * HOUR_MS)
    payer, other = (
        [
            (one.matured_at - T0, served.horizon, served.outcome)
            for one in reported(*given, life=LIFE._replace(facts=facts))
            for served in one.served
            if served.landmark == 0
        ]
        for given in ([paid], [])
    )
    for age in (DAY_MS, 6 * DAY_MS, 8 * DAY_MS, 30 * DAY_MS, 40 * DAY_MS):
        released = [one for one in (*payer, *other) if one[0] <= age]
        for horizon in ("d1", "d7", "d30"):
            outcomes = [outcome for _, name, outcome in released if name == horizon]
            assert sorted(outcomes) in ([], [0.0, 1.0])
    assert [at // DAY_MS for at, _, _ in payer] == [1, 7, 31]


def test_the_first_bin_is_due_six_hours_after_the_install() -> None:
    moment = LandmarkVisit(LIFE.facts, LIFE.credit, 0, T0)
    state = reach_landmark(prospects.NEW_PROSPECT, moment, constant_models()).state
    assert state.release_due == T0 + 6 * HOUR_MS


def test_what_is_known_later_is_kept_as_an_addition_to_what_was_known_at_the_install() -> None:
    (last,) = [one for one in reported() if one.bin == 10]
    assert [one.is_addition for one in last.snapshots] == [False] + [True] * 5
    first, *later = whole(last.snapshots)
    for one, kept in zip(later, last.snapshots[1:], strict=True):
        assert one.slots == first.slots + kept.slots
        assert not one.is_addition


def test_with_another_credit_everything_is_kept_again() -> None:
    models = constant_models()
    first = LandmarkVisit(LIFE.facts, LIFE.credit, 0, T0)
    state = reach_landmark(prospects.NEW_PROSPECT, first, models).state
    other = structs.replace(LIFE.credit, media_source="elsewhere")
    state = reach_landmark(state, LandmarkVisit(LIFE.facts, other, 1, T0), models).state
    assert [one.is_addition for one in state.frozen] == [False, False]
    assert state.media_source == "elsewhere"
