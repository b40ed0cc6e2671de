"""What was done until a landmark, as rates know it: shrunk until enough have reached the target."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from online_models.features.features import ActivityBucket, activity_until
from online_models.hazard.bins import PAYER
from online_models.hazard.encoding import Encoder
from online_models.hazard.packed import PackedSnapshot
from online_models.hazard.rules import HazardRules
from online_models.persistence.envelope import Unusable
from online_models.scoring.activity_cells import (
    NO_CELL,
    RECENCY_STEPS,
    activity_cell,
    activity_cells_of,
)
from online_models.scoring.activity_rates import FITTED_EVERY, ActivityRates, ActivityRows
from online_models.scoring.landmarks import LANDMARKS
from online_models.scoring.shrunk_rates import InstallOrigin, ShrunkRates
from online_models.scoring.stored_rates import dump_rates, load_rates
from schemas.time import DAY_MS

RULES = HazardRules()
ENCODER = Encoder(RULES.slots, RULES.seed)
HERE = InstallOrigin("com.game", "north", "DE", "ios")
ONE_DAY = 3  # landmark
KEEN = activity_cell(ONE_DAY, [ActivityBucket(3, 0), ActivityBucket(2, 0), ActivityBucket(4, 0)])
SILENT = activity_cell(ONE_DAY, [])


def frozen(landmark: int, buckets: list[ActivityBucket]) -> PackedSnapshot:
    known = activity_until(LANDMARKS[landmark].name, buckets) if landmark else {}
    return PackedSnapshot(landmark, *ENCODER.pack({"app=x": 2.0, **known}))


def test_the_cell_of_an_install_is_the_same_by_counts_and_by_packed_features() -> None:
    """It is scored by the one, and learned by the other."""
    kinds = [
        ActivityBucket(),
        ActivityBucket(1, 0),
        ActivityBucket(0, 5, {"level": 5}),
        ActivityBucket(7, 2),
    ]
    lives: list[tuple[int, list[ActivityBucket]]] = [(0, [])] + [
        (landmark, list(life))
        for landmark in range(1, 4)
        for life in itertools.product(kinds, repeat=landmark)
    ]
    by_counts = [activity_cell(landmark, life) for landmark, life in lives]
    by_features = activity_cells_of([frozen(*life) for life in lives], RULES.slots, RULES.seed)

    assert by_features.tolist() == by_counts
    assert len({*by_counts}) == 12
    assert by_counts[0] == NO_CELL


def test_where_nothing_was_ever_done_an_install_is_silent_at_every_landmark() -> None:
    assert activity_cell(ONE_DAY, []) == activity_cell(1, [ActivityBucket()]) == RECENCY_STEPS - 1
    assert (
        activity_cells_of([frozen(1, [ActivityBucket()])], RULES.slots, RULES.seed)
        == RECENCY_STEPS - 1
    )


def test_bytes_that_are_no_features_are_silent_too() -> None:
    broken = [PackedSnapshot(2, b"\x01", b""), PackedSnapshot(2, b"\xff" * 4, b"\xff" * 4)]

    assert activity_cells_of(broken, RULES.slots, RULES.seed).tolist() == [RECENCY_STEPS - 1] * 2


def lived(rates: ShrunkRates, cell: int, installs: int, payers: int) -> None:
    """On the second day, as seen from the end of the first."""
    bin_ = PAYER.first_bin(ONE_DAY)
    labels = np.arange(installs) % (installs // payers) == 1
    hazards = [rates.learn(HERE, bin_, label) for label in labels.tolist()]
    landmarks, cells, bins = (np.full(installs, one, np.int64) for one in (ONE_DAY, cell, bin_))
    rows = ActivityRows(landmarks, cells, bins, labels.astype(float))
    rates.learn_activity(rows, np.array(hazards))


def has_fitted(rates: ShrunkRates) -> None:
    assert rates.activity.rows.sum() >= FITTED_EVERY


def chance(rates: ShrunkRates, cell: int) -> float:
    return rates.score(HERE, DAY_MS, ONE_DAY, cell)["d7"]


def test_who_came_back_often_is_expected_to_pay_and_who_was_silent_is_not() -> None:
    rates = ShrunkRates()
    for _ in range(20):
        lived(rates, KEEN, 500, 30)
        lived(rates, SILENT, 500, 1)
    has_fitted(rates)

    assert chance(rates, KEEN) > rates.score(HERE, DAY_MS)["d7"] > chance(rates, SILENT)
    assert chance(rates, KEEN) > 3 * chance(rates, SILENT)


def test_ten_payers_say_little_of_activity() -> None:
    rates = ShrunkRates()
    lived(rates, KEEN, 2500, 8)
    lived(rates, SILENT, 2500, 2)
    has_fitted(rates)

    assert 1.0 < chance(rates, KEEN) / chance(rates, SILENT) < 1.5


def test_where_activity_says_nothing_it_changes_nothing() -> None:
    rates = ShrunkRates()
    for _ in range(20):
        lived(rates, KEEN, 500, 10)
        lived(rates, SILENT, 500, 10)

    assert chance(rates, KEEN) == pytest.approx(chance(rates, SILENT), rel=0.05)


def test_rows_are_answered_before_they_are_learned_and_those_of_the_install_by_rates_alone() -> (
    None
):
    activity = ActivityRates(PAYER)
    at_install = ActivityRows(np.array([0]), np.array([NO_CELL]), np.array([2]), np.ones(1))
    later = ActivityRows(np.array([1]), np.array([3]), np.array([2]), np.ones(1))

    assert activity.learn(at_install, np.array([0.125])).tolist() == [0.125]
    assert activity.learn(later, np.array([0.125])).tolist() == [0.125]
    assert activity.rows.sum() == activity.seen.sum() == 1.0


def test_what_was_learned_of_activity_is_written_down_to_the_last_bit() -> None:
    rates = ShrunkRates()
    for _ in range(7):
        lived(rates, KEEN, 450, 30)
        lived(rates, SILENT, 450, 3)
    copy = load_rates(dump_rates(rates), rates.rules)
    assert isinstance(copy, ShrunkRates)

    assert chance(copy, KEEN) == chance(rates, KEEN)
    for one in (rates, copy):
        lived(one, KEEN, 5000, 1)
    assert dump_rates(copy) == dump_rates(rates)


def test_stored_counts_of_activity_that_cannot_be_are_unusable() -> None:
    rates = ShrunkRates()
    lived(rates, KEEN, 10, 1)
    rates.activity.seen[ONE_DAY] = -1.0

    found = load_rates(dump_rates(rates), rates.rules)

    assert isinstance(found, Unusable)
    assert "activity" in found.reason
