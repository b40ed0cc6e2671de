"""The replay of paying worlds: nothing is known early, everything once; and figures are right."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from online_models.hazard.bins import PAYER, bin_outcomes
from schemas.time import DAY_MS, HOUR_MS
from streams.lab.evaluation.payer.calibration import evaluate_calibration
from streams.lab.evaluation.payer.judged_predictions import (
    JudgedPredictions,
    auc,
    excess_entropy,
    mean_log_loss,
    payer_world_figures,
)
from streams.lab.evaluation.payer.payer import evaluate_payer
from streams.lab.evaluation.payer.payer_log import RELEASED_MS, PayerLog, make_payer_log
from streams.lab.evaluation.payer.payer_models import PAYER_TIERS, PayerModels
from streams.lab.evaluation.payer.payer_replay import PayerPredictions, PayerReplay
from streams.lab.evaluation.payer.runs import replay_payer_worlds
from streams.lab.evaluation.payer.tiers import evaluate_tiers
from streams.lab.evaluation.replay.world_plan import WorldPlan
from streams.lab.simulator.paying_worlds import (
    NEVER_PAYS,
    PayingPeople,
    PayingWorld,
    PaymentReports,
    make_paying_world,
    report_payments,
)
from streams.lab.simulator.scenario import START_MS


def silent(*_: object) -> None:
    return None


def people(installs: int) -> PayingPeople:
    return make_paying_world("frailty", "steady", 1, installs).people


def reports(*rows: tuple[int, int, int, int]) -> PaymentReports:
    """Each: install, paid and logged (ms since the install), id of the payment."""
    return PaymentReports(*np.array(rows, np.int64).reshape(-1, 4).T)


def learned_of(log: PayerLog, who: PayingPeople, install: int) -> list[tuple[int, bool, int]]:
    """Bins, labels and when since the install, in order."""
    mine = log.bins.install == install
    since = log.bins.time[mine] - who.time[install]
    columns = (log.bins.which[mine], log.bins.label[mine], since)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_no_bin_says_anything_before_it_ends() -> None:
    assert len(RELEASED_MS) == PAYER.bins
    assert (np.array(PAYER.edges[1:]) <= RELEASED_MS).all()


@pytest.mark.parametrize("paid_ms", [None, 0, HOUR_MS, 2 * DAY_MS, 29 * DAY_MS, 31 * DAY_MS])
def test_bins_say_what_the_model_is_meant_to_learn_once_they_have_ended(
    paid_ms: int | None,
) -> None:
    who = people(3)
    known = reports((1, paid_ms, paid_ms + 1_000, 7)) if paid_ms is not None else reports()
    expected = [
        (one.bin, one.label, int(RELEASED_MS[one.bin])) for one in bin_outcomes(PAYER, 0, paid_ms)
    ]

    assert learned_of(make_payer_log(who.time, known), who, 1) == expected


def test_a_payment_known_late_counts_when_it_is_known_and_silence_before_that() -> None:
    who = people(3)
    log = make_payer_log(who.time, reports((1, 2 * HOUR_MS, 30 * HOUR_MS, 7)))
    learned = learned_of(log, who, 1)

    assert [(number, label) for number, label, _ in learned] == [
        (0, False),
        (1, False),
        (2, False),
        (1, True),
    ]
    assert learned[-1][2] == 30 * HOUR_MS


def test_a_payment_logged_twice_counts_once() -> None:
    who = people(3)
    once = make_payer_log(who.time, reports((1, HOUR_MS, HOUR_MS, 7)))
    twice = make_payer_log(who.time, reports((1, HOUR_MS, HOUR_MS, 7), (1, HOUR_MS, 2 * DAY_MS, 7)))

    for one, other in ((once.bins, twice.bins), (once.asks, twice.asks)):
        assert one.time.tolist() == other.time.tolist()
        assert one.label.tolist() == other.label.tolist()


def test_nobody_is_asked_about_who_is_known_to_have_paid() -> None:
    who = people(3)
    log = make_payer_log(who.time, reports((1, 2 * HOUR_MS, 10 * HOUR_MS, 7)))

    assert log.asks.which[log.asks.install == 1].tolist() == [0, 1, 2]
    assert log.asks.which[log.asks.install == 2].tolist() == [0, 1, 2, 3, 4, 5]


def test_who_waits_for_a_horizon_learns_at_its_end_of_landmarks_that_were_open() -> None:
    who = people(3)
    log = make_payer_log(who.time, reports((1, 2 * HOUR_MS, 2 * HOUR_MS, 7)))
    d7 = log.horizons["d7"]
    mine, other = d7.install == 1, d7.install == 2

    assert d7.which[mine].tolist() == [0, 1]
    assert d7.label[mine].all()
    assert (d7.time[mine] - who.time[1] == RELEASED_MS[PAYER.edges.index(7 * DAY_MS) - 1]).all()
    assert d7.which[other].tolist() == [0, 1, 2, 3, 4]
    assert not d7.label[other].any()


def predicted(world: PayingWorld, until: int) -> PayerPredictions:
    replay = PayerReplay.of_world(world, 1, PayerModels(river=None))
    replay.run(until, silent)
    return replay.predictions()


def test_what_is_logged_later_changes_no_prediction() -> None:
    until = START_MS + 9 * DAY_MS
    world = make_paying_world("agents", "steady", 1, 3_000)
    logged = report_payments(world, 1)
    logged_at = world.people.time[logged.install] + logged.logged_ms
    paid = world.lives.paid_ms.copy()
    paid[logged.install[logged_at >= until]] = NEVER_PAYS
    blind = replace(world, lives=replace(world.lives, paid_ms=paid))

    one, other = predicted(world, until), predicted(blind, until)

    assert (paid != world.lives.paid_ms).any()
    assert len(one.install) > 1_000
    for name in PAYER_TIERS:
        assert np.array_equal(one.predicted[name], other.predicted[name], equal_nan=True)


def test_a_replay_that_was_forked_goes_on_as_the_one_that_was_not() -> None:
    middle, until = START_MS + 8 * DAY_MS, START_MS + 10 * DAY_MS
    world = make_paying_world("frailty", "steady", 1, 2_000)
    replay = PayerReplay.of_world(world, 1, PayerModels())
    replay.run(middle, silent)
    fork = replay.fork(world, 1)
    first = len(replay.predictions().install)
    replay.run(until, silent)
    fork.run(until, silent)

    whole, rest = replay.predictions(), fork.predictions()

    assert (whole.install[first:] == rest.install).all()
    for name, predictions in whole.predicted.items():
        assert np.array_equal(predictions[first:], rest.predicted[name], equal_nan=True), name


def rows(
    true: list[float], predicted: list[float], label: list[bool], landmark: int = 0
) -> JudgedPredictions:
    size = len(true)
    return JudgedPredictions(
        np.full(size, landmark),
        np.zeros(size, np.int64),
        np.array(true),
        np.array(label),
        {"full": np.array(predicted)},
    )


def test_the_truth_has_no_excess_and_the_mean_has_what_is_left_to_know() -> None:
    true = [0.1, 0.3, 0.2, 0.6]
    entropy = [-p * math.log(p) - (1 - p) * math.log(1 - p) for p in [*true, 0.3]]

    assert excess_entropy(rows(true, true, [False] * 4), "full") == pytest.approx(0.0)
    assert excess_entropy(rows(true, [0.3] * 4, [False] * 4), "full") == pytest.approx(
        (4 * entropy[4] - sum(entropy[:4])) / (4 * entropy[4])
    )


def test_log_loss_and_auc_are_those_of_the_definition() -> None:
    label, chances = [True, False, False, True], [0.8, 0.4, 0.6, 0.5]
    learned = rows([0.5] * 4, chances, label)

    assert mean_log_loss(learned, "full") == pytest.approx(
        -sum(math.log(p if y else 1 - p) for y, p in zip(label, chances, strict=True)) / 4
    )
    assert auc(learned, learned.predicted["full"]) == pytest.approx(3 / 4)


PLAN = WorldPlan(2_000, 1, ("agents",), ("steady",))


def test_figures_have_the_shape_that_others_rely_on() -> None:
    found = evaluate_payer(PLAN, silent, has_river=False)
    one = found["agents"]["steady"]

    assert set(one) >= {
        "d7_excess_ne",
        "d30_excess_ne",
        "d7_excess_ne_after_shift",
        "calibration_ratio",
        "ece",
        "auc",
        "log_loss",
    }
    assert list(one["log_loss"]) == list(PAYER_TIERS)
    assert one["log_loss_of_truth"] < one["log_loss"]["full"] < one["log_loss"]["constant"]
    assert 0 < one["d7_excess_ne"] < one["challengers"]["waiting"]["d7_excess_ne"]
    assert one["auc"] > 0.65


def test_every_question_gets_an_answer_from_every_tier() -> None:
    one = evaluate_tiers(PLAN, silent)["agents"]["steady"]

    assert set(one["unanswered"].values()) == {0}
    assert one["log_loss"]["full"] < one["log_loss"]["rates"] < one["log_loss"]["constant"]


def test_calibration_is_told_by_landmark_and_by_day() -> None:
    one = evaluate_calibration(PLAN, silent)["agents"]["steady"]

    assert list(one["by_landmark"]) == ["install", "1h", "6h", "1d", "3d"]
    assert 20 <= len(one["ratio_by_day"]) <= 27
    assert sum(bin_["rows"] for bin_ in one["reliability"]) == one["predictions"]


def test_figures_are_of_predictions_made_once_the_disturbance_began() -> None:
    (run,) = replay_payer_worlds(PLAN, silent, has_river=False)

    assert run.d7.since_ms.min() >= 0
    assert run.d30.since_ms.max() < 27 * DAY_MS
    assert set(run.d7.landmark.tolist()) == {0, 1, 2, 3, 4}
    assert set(run.d30.landmark.tolist()) == {0, 1, 2, 3, 4, 5}
    assert payer_world_figures(run.d7, run.d30)["predictions"] == len(run.d7)
