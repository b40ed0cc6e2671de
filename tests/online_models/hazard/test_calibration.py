"""Calibration of the hazards, and the account of how reliable predictions are."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import numpy as np
import pytest

from online_models.hazard.kernel import Kernel
from online_models.hazard.model import HazardModel, HazardRow, HazardRules
from online_models.hazard.rules import hazard_frame
from online_models.quality.calibration import Reliability
from tests.worlds import hazard_world

STUCK = HazardRules(
    slots=2**10, alpha=1e-9, bias_alpha=1e-9, calibration_prior=20.0, calibration_memory=300.0
)
"""Its weights hardly move, so that only calibration learns."""

every_kernel = pytest.mark.parametrize("kernel", hazard_world.kernels(), ids=lambda one: one.name)


def test_nothing_learned_means_nothing_corrected() -> None:
    assert HazardModel(STUCK).corrections() == []


@every_kernel
def test_a_few_rows_hardly_move_calibration(kernel: Kernel) -> None:
    model = HazardModel(STUCK, kernel)
    for _ in range(3):
        model.learn_one(HazardRow({}, 0, 0, False, "ios"))
    (correction,) = model.corrections()

    assert correction.slope == pytest.approx(1.0, abs=0.01)
    assert correction.shift == pytest.approx(0.0, abs=0.01)


@every_kernel
def test_calibration_finds_the_rate_that_the_model_misses(kernel: Kernel) -> None:
    model, chance = HazardModel(STUCK, kernel), random.Random(1)
    model.learn([HazardRow({}, 0, 0, chance.random() < 0.02, "ios") for _ in range(40_000)])
    answer = model.hazards({}, 0, "ios")

    assert answer is not None
    assert answer[0] == pytest.approx(0.02, rel=0.15)


def test_one_platform_and_landmark_does_not_correct_another() -> None:
    model, chance = HazardModel(STUCK), random.Random(1)
    model.learn([HazardRow({}, 0, 0, chance.random() < 0.05, "ios") for _ in range(3000)])
    model.learn([HazardRow({}, 0, 0, False, "android")])

    ios, android, later = (
        model.hazards({}, mark, platform)
        for mark, platform in ((0, "ios"), (0, "android"), (1, "ios"))
    )
    assert ios is not None
    assert android is not None
    assert later is not None
    assert ios[0] > 5 * android[0]
    assert later[0] == pytest.approx(android[0], rel=0.05)


def test_after_a_change_calibration_forgets_what_was_before() -> None:
    model, chance = HazardModel(STUCK), random.Random(1)
    model.learn([HazardRow({}, 0, 0, chance.random() < 0.01, "ios") for _ in range(60_000)])
    model.learn([HazardRow({}, 0, 0, chance.random() < 0.03, "ios") for _ in range(40_000)])
    answer = model.hazards({}, 0, "ios")

    assert answer is not None
    assert answer[0] == pytest.approx(0.03, rel=0.25)


def naive_map(rows: list[tuple[float, float, float]], rules: HazardRules) -> tuple[float, float]:
    """Slope and shift as deviations, by least squares over everything kept, anew for each row.

    `rows`: log odds, the same around their centre, and label; the model never learns.
    """
    slope = shift = 0.0
    kept: list[tuple[float, float, float]] = []  # weight that has faded, leaning, response
    for log_odds, leaning, label in rows:
        moved = log_odds + slope * leaning + shift
        hazard = 1 / (1 + math.exp(-moved))
        weight = hazard * (1 - hazard)
        fade = 1 - weight / rules.calibration_memory
        # mypy forgets how long `rest` is.
        kept = [(fade * old, *rest) for old, *rest in kept]  # type: ignore[misc]
        kept.append((weight, leaning, slope * leaning + shift + (label - hazard) / weight))
        weights, leanings, responses = (np.array(column) for column in zip(*kept, strict=True))
        design = np.stack([leanings, np.ones(len(kept))], axis=1)
        information = design.T @ (design * weights[:, None])
        information += rules.calibration_prior * np.eye(2)
        slope, shift = np.linalg.solve(information, design.T @ (weights * responses)).tolist()
    return slope, shift


@every_kernel
def test_calibration_is_weighted_least_squares_around_the_identity(kernel: Kernel) -> None:
    """The weight of the only feature is known, so log odds and their mean so far are too."""
    chance = random.Random(3)
    model = HazardModel(STUCK, kernel)
    slot = int(model.scorer.encoder.encode([{"a": 1.0}]).slots[0])
    model.scorer.weights.w[slot, 0] = 0.8
    model.memory.z[slot, 0] = -0.8 * (STUCK.beta / STUCK.alpha + STUCK.l2)
    base = float(hazard_frame(STUCK).base[0, 0])
    rows, leanings = [], []
    sizes: list[float] = []
    for _ in range(400):
        size, label = chance.choice([-1.0, 0.0, 2.0]), chance.random() < 0.08
        mean = sum(sizes) / len(sizes) if sizes else 0.0
        rows.append(HazardRow({"a": size}, 0, 0, label, "ios"))
        leanings.append((base + 0.8 * size, 0.8 * (size - mean), float(label)))
        sizes.append(size)
        model.learn([rows[-1]])
    (correction,) = model.corrections()

    assert 0.0 < abs(correction.shift) < 3.0
    assert (correction.slope - 1, correction.shift) == pytest.approx(
        naive_map(leanings, STUCK), rel=1e-6
    )


# --- reliability ---------------------------------------------------------------------------------


def drawn(count: int, seed: int, skew: float = 1.0) -> tuple[list[float], list[float]]:
    """Predictions, and outcomes that come true `skew` times as often as said."""
    chance = random.Random(seed)
    answer = [1 / (1 + math.exp(3 + chance.gauss(0, 1))) for _ in range(count)]
    return answer, [float(chance.random() < skew * one) for one in answer]


def naive_auc(answer: list[float], happened: list[float]) -> float:
    positives = [one for one, label in zip(answer, happened, strict=True) if label]
    negatives = [one for one, label in zip(answer, happened, strict=True) if not label]
    wins = sum((one > other) + (one == other) / 2 for one in positives for other in negatives)
    return wins / (len(positives) * len(negatives))


def naive_ece(answer: list[float], happened: list[float], bins: int) -> float:
    """Over sorted predictions, cut into equal parts."""
    order = np.argsort(answer)
    parts = [
        (np.array(answer)[part], np.array(happened)[part]) for part in np.array_split(order, bins)
    ]
    return float(sum(len(one) * abs(one.mean() - two.mean()) for one, two in parts) / len(answer))


def test_one_by_one_and_many_at_once_are_the_same_account() -> None:
    answer, happened = drawn(500, 1)
    single, many = Reliability(), Reliability()
    for one, label in zip(answer, happened, strict=True):
        single.add(one, label)
    many.add_many(answer, happened)

    assert [one.rows for one in single.table()] == [one.rows for one in many.table()]
    assert single.ece() == pytest.approx(many.ece())
    assert single.auc() == pytest.approx(many.auc())


def test_bins_are_of_about_equal_mass_in_order_and_complete() -> None:
    account = Reliability()
    account.add_many(*drawn(30_000, 2))
    table = account.table()

    assert len(table) == 15
    assert sum(one.rows for one in table) == account.rows == 30_000
    assert all(1800 < one.rows < 2200 for one in table)
    assert all(one.upper <= other.lower for one, other in pairwise(table))
    assert all(one.lower <= one.predicted <= one.upper for one in table)


def test_the_error_is_that_of_sorting_and_cutting() -> None:
    account = Reliability()
    answer, happened = drawn(30_000, 3, skew=0.6)
    account.add_many(answer, happened)

    assert account.ece() == pytest.approx(naive_ece(answer, happened, 15), rel=0.02)
    assert account.ratio == pytest.approx(1 / 0.6, rel=0.1)


def test_perfect_knowledge_has_no_error() -> None:
    account = Reliability()
    answer, _ = drawn(30_000, 4)
    account.add_many(answer, answer)

    assert account.ece() == pytest.approx(0.0, abs=1e-12)
    assert account.ratio == pytest.approx(1.0)


def test_the_area_is_that_of_comparing_every_pair() -> None:
    account = Reliability()
    answer, happened = drawn(3000, 5)
    account.add_many(answer, happened)

    assert account.auc() == pytest.approx(naive_auc(answer, happened), abs=1e-3)


def test_where_hardly_anything_is_likely_the_area_is_still_right() -> None:
    account, chance = Reliability(), random.Random(6)
    answer = [0.0001 * math.exp(chance.gauss(0, 1)) for _ in range(4000)]
    happened = [float(chance.random() < 200 * one) for one in answer]
    account.add_many(answer, happened)

    assert account.auc() == pytest.approx(naive_auc(answer, happened), abs=2e-3)
    assert account.auc() > 0.7


def test_a_constant_prediction_is_one_bin_and_an_area_of_a_half() -> None:
    account = Reliability()
    account.add_many([0.05] * 100, [1.0] * 5 + [0.0] * 95)

    (only,) = account.table()
    assert (only.rows, only.observed) == (100, 0.05)
    assert account.auc() == pytest.approx(0.5)


def test_without_rows_there_is_no_figure() -> None:
    account = Reliability()

    assert account.table() == []
    assert all(math.isnan(one) for one in (account.ece(), account.auc(), account.ratio))


def test_certainty_is_counted_too() -> None:
    account = Reliability()
    account.add_many([0.0, 1.0, 1e-300], [0.0, 1.0, 0.0])

    assert account.table(2)[0].lower == 0.0
    assert account.rows == 3


@pytest.mark.parametrize(
    ("answer", "happened"), [(math.nan, 0.0), (-0.1, 0.0), (0.5, 2.0), (math.inf, 1.0)]
)
def test_what_is_no_probability_is_refused(answer: float, happened: float) -> None:
    account = Reliability()
    with pytest.raises(ValueError, match="between 0 and 1"):
        account.add(answer, happened)
    assert account.rows == 0
