"""The replay of what is paid: nothing is known early, and figures are right."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from online_models.scoring.landmarks import LANDMARKS
from online_models.value.model import ValueModel
from schemas.time import DAY_MS, HOUR_MS
from streams.cli.lab.evaluate import evaluate_group
from streams.lab.evaluation.replay.world_plan import END_MS
from streams.lab.evaluation.value.figures import value_world_figures
from streams.lab.evaluation.value.payment_table import LATENESS_MS, make_payment_table
from streams.lab.evaluation.value.value_replay import PackedFeatures, ValuePredictions, ValueReplay
from streams.lab.evaluation.value.value_world import ValueWorld
from streams.lab.simulator.paying_worlds import BEGIN_MS
from streams.lab.simulator.paying_worlds.spending import LoggedPayments


def silent(*_: object) -> None:
    return None


def payments(*rows: tuple[int, int, int, float]) -> LoggedPayments:
    """Each: install, paid and logged (ms since the install), amount."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * 4
    ints = [np.array(column, np.int64) for column in columns[:3]]
    return LoggedPayments(ints[0], ints[1], ints[2], np.array(columns[3], float))


def test_history_says_what_had_been_paid_before_and_after_each_landmark() -> None:
    two_days = 2 * DAY_MS
    history = make_payment_table(
        np.array([0, 0]),
        payments((1, HOUR_MS, HOUR_MS + 1, 5.0), (1, two_days, two_days, 7.0)),
    )
    assert history.spent[1].tolist() == [0.0, 0.0, 5.0, 5.0, 12.0, 12.0]
    assert history.payments[1].tolist() == [0, 0, 1, 1, 2, 2]
    assert history.after[1, :, 0].tolist() == [5.0, 5.0, 0.0, 0.0, 0.0, 0.0]
    assert history.after[1, :, 1].tolist() == [7.0, 7.0, 7.0, 7.0, 0.0, 0.0]
    assert history.in_step[1, :3].tolist() == [5.0, 7.0, 0.0]
    assert history.before_step[1, :3].tolist() == [0.0, 5.0, 12.0]
    assert not history.spent[0].any()


def test_what_is_logged_too_late_is_not_known_to_its_bucket() -> None:
    logged = DAY_MS + LATENESS_MS
    history = make_payment_table(np.array([0]), payments((0, HOUR_MS, logged, 5.0)))
    assert history.spent[0].tolist() == [0.0, 0.0, 0.0, 0.0, 5.0, 5.0]
    assert history.after[0, 0, 0] == 0.0
    assert history.before_step[0, 1] == 5.0


def test_nothing_that_comes_later_changes_a_prediction() -> None:
    """The same installs, with and without everything that was paid from some day on."""
    world = ValueWorld("agents", "steady", 2, 3_000)
    cut = BEGIN_MS
    logged = LoggedPayments(
        world.spending.install, world.spending.paid_ms, world.spending.paid_ms,
        world.spending.amount,
    )  # fmt: skip
    is_early = world.world.people.time[logged.install] + logged.logged_ms < cut
    early = LoggedPayments(*(getattr(logged, one)[is_early] for one in logged.__slots__))
    made = []
    for known in (logged, early):
        history = make_payment_table(world.world.people.time, known)
        replay = ValueReplay(history, lambda one, mark: _packed(one, mark), ValueModel())
        replay.run(cut, silent)
        made.append(replay.predictions())
    assert len(made[0].install) > 5_000
    assert np.array_equal(made[0].expected, made[1].expected)


def _packed(install: int, landmark: int) -> PackedFeatures:
    slots = np.array([install % 7, 10 + landmark], "<u4")
    return PackedFeatures(slots.tobytes(), np.ones(2, "<f4").tobytes(), "ios")


def test_a_fork_predicts_as_if_it_had_learned_all_along() -> None:
    world = ValueWorld("agents", "steady", 2, 2_000)
    whole, begun = (ValueReplay(world.payments, world.features, ValueModel()) for _ in range(2))
    whole.run(END_MS, silent)
    begun.run(BEGIN_MS, silent)
    fork = begun.fork(world.payments, world.features)
    fork.run(END_MS, silent)
    made, again = whole.predictions(), fork.predictions()
    assert len(made.install) == 2_000 * len(LANDMARKS)
    assert np.array_equal(made.expected[made.time >= BEGIN_MS], again.expected)


def test_who_predicts_the_truth_is_as_good_as_the_oracle() -> None:
    world = ValueWorld("agents", "steady", 2, 3_000)
    install = np.repeat(np.arange(3_000), len(LANDMARKS))
    landmark = np.tile(np.arange(len(LANDMARKS)), 3_000)
    expected = world.spending.expected[install, landmark]
    truth = ValuePredictions(
        install, landmark, install * 0, expected, np.zeros(expected.shape, bool)
    )
    figures = value_world_figures(truth, world.spending)
    assert figures["gini_of_oracle"] == pytest.approx(1.0)
    assert figures["decile_mape"] == pytest.approx(0.0)
    assert figures["total_ratio"] == pytest.approx(1.0)
    assert figures["is_monotone"] is True
    assert list(figures["d7"]["by_landmark"]) == ["install", "1h", "6h", "1d", "3d"]
    off = truth.expected.copy()
    off[:, 1] *= 2
    twice = value_world_figures(replace(truth, expected=off), world.spending)
    assert twice["total_ratio"] == pytest.approx(2.0)
    assert twice["d30"]["decile_mape"] == pytest.approx(1.0)


def test_the_command_tells_figures_by_world_and_scenario() -> None:
    run = CliRunner().invoke(
        evaluate_group,
        ["value", "--world", "renewal", "--scenario", "price_change", "--installs", "2000",
         "--json"],
    )  # fmt: skip
    assert run.exit_code == 0, run.output
    found = json.loads(run.stdout)["renewal"]["price_change"]
    assert {"gini_of_oracle", "decile_mape", "total_ratio", "is_monotone"} <= set(found)
    assert found["is_monotone"] is True
    assert found["unanswered"] == 0
    assert found["d90"]["extrapolated_share"] == 1.0
