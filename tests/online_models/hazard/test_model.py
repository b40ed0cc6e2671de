"""What the hazard model says, and what it does with input that makes no sense."""

from __future__ import annotations

import math

import numpy as np
import pytest

from online_models.hazard.bins import PAYER, Horizon, Shape
from online_models.hazard.kernel import Kernel
from online_models.hazard.model import Ask, HazardModel, HazardRow, HazardRules
from schemas.time import DAY_MS, HOUR_MS
from tests.worlds import hazard_world
from tests.worlds.hazard_world import SMALL

INSTALL, HOUR_1, DAY_1, DAY_7 = 0, 1, 3, 5
FEATURES = {"country=DE": 1.0, "sessions@1h": 1.6}

every_kernel = pytest.mark.parametrize("kernel", hazard_world.kernels(), ids=lambda one: one.name)


def test_before_anything_is_learned_the_prior_is_said() -> None:
    answer = HazardModel(HazardRules(prior=0.05)).score(FEATURES, INSTALL)

    assert answer is not None
    assert answer["d30"] == pytest.approx(0.05)


@every_kernel
def test_chances_are_those_of_the_hazards_multiplied(kernel: Kernel) -> None:
    model = hazard_world.learned(3000, kernel=kernel)
    row = hazard_world.rows(3000)[-1]
    hazards = model.hazards(row.features, INSTALL, row.platform)
    answer = model.score(row.features, INSTALL, row.platform)

    assert hazards is not None
    assert answer is not None
    for horizon, bins in (("d1", 3), ("d7", 7), ("d30", 11)):
        assert answer[horizon] == pytest.approx(1 - math.prod(1 - one for one in hazards[:bins]))


@every_kernel
def test_a_bin_that_has_begun_counts_for_what_is_left_of_it(kernel: Kernel) -> None:
    model = hazard_world.learned(3000, kernel=kernel)
    hazards = model.hazards(FEATURES, DAY_1)
    halfway = model.score(FEATURES, DAY_1, elapsed_ms=DAY_MS + 12 * HOUR_MS)

    assert hazards is not None
    assert halfway is not None
    survival = (1 - hazards[0]) ** 0.5 * math.prod(1 - one for one in hazards[1:4])
    assert halfway["d7"] == pytest.approx(1 - survival)


def test_horizons_that_have_passed_are_left_out() -> None:
    model = HazardModel(SMALL)

    assert list(model.score(FEATURES, INSTALL) or {}) == ["d1", "d7", "d30"]
    assert list(model.score(FEATURES, DAY_1) or {}) == ["d7", "d30"]
    assert list(model.score(FEATURES, DAY_7) or {}) == ["d30"]
    assert model.score(FEATURES, DAY_7, elapsed_ms=30 * DAY_MS) == {}


def test_asking_for_a_time_before_the_landmark_is_a_bug() -> None:
    with pytest.raises(ValueError, match="before"):
        HazardModel(SMALL).score(FEATURES, DAY_1, elapsed_ms=HOUR_MS)


def test_many_at_once_are_told_what_each_is_told_alone() -> None:
    model = hazard_world.learned(3000)
    asks = [Ask(row.features, row.landmark, row.platform) for row in hazard_world.rows(3000)[-200:]]

    assert model.score_many(asks) == [model.score(*ask) for ask in asks]


@every_kernel
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 100.5, -1e300])
def test_a_value_that_is_no_sensible_number_is_neither_learned_nor_scored(
    value: float, kernel: Kernel
) -> None:
    model = hazard_world.learned(500, kernel=kernel)
    untouched = hazard_world.learned(500, kernel=kernel)
    broken = {**FEATURES, "broken": value}

    reported = model.learn([HazardRow(broken, INSTALL, 0, True, "ios")])

    assert math.isnan(reported[0])
    assert model.score(broken, INSTALL, "ios") is None
    assert model.hazards(broken, INSTALL, "ios") is None
    assert (model.counts.skipped, model.scorer.counts.unusable) == (1, 1)
    assert model.counts.rows == untouched.counts.rows
    for one, other in zip(
        (*model.scorer.weights, *model.memory),
        (*untouched.scorer.weights, *untouched.memory),
        strict=True,
    ):
        assert np.array_equal(one, other)


def test_features_never_seen_and_none_at_all_get_an_answer() -> None:
    model = hazard_world.learned(1000)

    assert model.score({"campaign=never seen": 1.0}, INSTALL) is not None
    assert model.score({}, HOUR_1, "a platform never seen") is not None


def test_contradictory_labels_end_at_their_rate() -> None:
    model = HazardModel(HazardRules(slots=2**10, calibration_memory=0.0))
    for number in range(4000):
        model.learn_one(HazardRow(FEATURES, INSTALL, 0, number % 4 == 0))

    hazards = model.hazards(FEATURES, INSTALL)
    assert hazards is not None
    assert hazards[0] == pytest.approx(0.25, abs=0.02)


def test_who_comes_from_a_better_source_is_told_a_higher_chance() -> None:
    model = HazardModel(SMALL)
    for number in range(6000):
        is_good = number % 2 == 0
        source = {"source=good" if is_good else "source=bad": 1.0}
        model.learn_one(HazardRow(source, INSTALL, 2, number % (20 if is_good else 50) < 2))

    good, bad = (model.score({f"source={name}": 1.0}, INSTALL) for name in ("good", "bad"))
    assert good is not None
    assert bad is not None
    assert all(good[horizon] > bad[horizon] for horizon in good)


def test_rows_of_a_group_are_all_predicted_before_any_is_learned() -> None:
    alone, grouped = HazardModel(SMALL), HazardModel(SMALL)
    rows = [HazardRow(FEATURES, mark, 5, True, "ios", "i1") for mark in (0, 1, 2)]

    one_by_one = alone.learn([row._replace(group="") for row in rows])
    together = grouped.learn(rows)

    assert together.tolist() == [HazardModel(SMALL).learn([row])[0] for row in rows]
    assert together[0] == one_by_one[0]
    assert (one_by_one[1:] > together[1:]).all()


def test_platforms_beyond_the_limit_share_a_calibration() -> None:
    model = HazardModel(SMALL)
    model.learn([HazardRow(FEATURES, 0, 0, False, f"platform {number}") for number in range(20)])

    assert len(model.scorer.platforms) == 7
    assert [one.platform for one in model.corrections()][-2:] == ["platform 6", "other"]


@pytest.mark.parametrize(
    ("landmark", "bin_"), [(6, 0), (-1, 3), (0, 11), (0, -1), (DAY_1, 2), (DAY_7, 6)]
)
def test_a_row_with_a_bin_or_landmark_that_is_not_there_is_a_bug(landmark: int, bin_: int) -> None:
    with pytest.raises(ValueError, match="landmark"):
        HazardModel(SMALL).learn([HazardRow(FEATURES, landmark, bin_, False)])


def test_hazards_told_before_they_are_learned_add_up_to_what_happens() -> None:
    model = HazardModel()
    rows = hazard_world.rows(60_000)
    reported = model.learn(rows)
    late = slice(len(rows) // 3, None)
    happened = sum(row.label for row in rows[late])

    assert happened > 300
    assert reported[late].sum() / happened == pytest.approx(1.0, abs=0.1)


RETENTION = HazardRules(
    shape=Shape((7 * DAY_MS, 8 * DAY_MS), PAYER.landmarks, (Horizon("d7", 8 * DAY_MS),)),
    slots=2**10,
    prior=0.3,
)


@every_kernel
def test_bins_that_begin_later_than_the_landmark_are_predicted_whole(kernel: Kernel) -> None:
    model = HazardModel(RETENTION, kernel)
    model.learn([HazardRow(FEATURES, INSTALL, 0, number % 2 == 0) for number in range(200)])

    hazards = model.hazards(FEATURES, INSTALL)
    answer = [model.score(FEATURES, INSTALL, "", DAY_MS * day) for day in (0, 1, 6, 7)]

    assert hazards is not None
    for chances in answer:
        assert chances is not None
        assert chances["d7"] == pytest.approx(hazards[0], abs=1e-12)
    half = model.score(FEATURES, INSTALL, "", 7 * DAY_MS + DAY_MS // 2)
    assert half is not None
    assert half["d7"] == pytest.approx(1 - (1 - hazards[0]) ** 0.5, abs=1e-12)


def test_every_kernel_says_the_same_before_the_first_bin() -> None:
    rows = [HazardRow(FEATURES, mark, 0, mark % 2 == 0, "ios", "a") for mark in range(6)]
    models = [HazardModel(RETENTION, kernel) for kernel in hazard_world.kernels()]

    reported = [model.learn(rows).tobytes() for model in models]
    answer = [
        [model.score(FEATURES, mark, "ios", 7 * DAY_MS) for mark in range(6)] for model in models
    ]

    assert reported.count(reported[0]) == len(models)
    assert answer.count(answer[0]) == len(models)
