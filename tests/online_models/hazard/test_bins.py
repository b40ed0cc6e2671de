"""What the bins of an install's life say, and when."""

from __future__ import annotations

import pytest

from online_models.hazard.bins import PAYER, Horizon, Landmark, Shape, bin_outcomes
from schemas.time import DAY_MS, HOUR_MS

INSTALL, DAY_1, DAY_7 = 0, 3, 5


def answer(landmark: int, paid_after: int | None) -> list[tuple[int, bool]]:
    return [(one.bin, one.label) for one in bin_outcomes(PAYER, landmark, paid_after)]


def test_an_install_that_never_pays_survives_every_bin() -> None:
    assert answer(INSTALL, None) == [(number, False) for number in range(11)]


def test_a_payer_survives_the_bins_before_its_payment_and_is_not_looked_at_afterwards() -> None:
    assert answer(INSTALL, 2 * DAY_MS + HOUR_MS) == [
        (0, False), (1, False), (2, False), (3, False), (4, True)
    ]  # fmt: skip


def test_a_payment_at_an_edge_belongs_to_the_bin_that_begins_there() -> None:
    assert answer(INSTALL, HOUR_MS) == [(0, False), (1, True)]


def test_a_later_landmark_begins_with_the_bin_that_begins_there() -> None:
    assert answer(DAY_7, None) == [(7, False), (8, False), (9, False), (10, False)]


def test_who_had_paid_before_a_landmark_says_nothing_there() -> None:
    assert answer(DAY_1, DAY_MS - 1) == []
    assert answer(DAY_1, DAY_MS) == [(3, True)]


def test_who_pays_after_the_last_bin_survived_all() -> None:
    assert answer(INSTALL, 30 * DAY_MS) == answer(INSTALL, None)


def test_payers_and_others_are_known_at_the_same_age() -> None:
    payer = bin_outcomes(PAYER, INSTALL, 1)[0]
    other = bin_outcomes(PAYER, INSTALL, None)[0]

    assert payer.due_after_ms == other.due_after_ms == HOUR_MS


def test_every_landmark_has_all_its_later_bins() -> None:
    assert [len(bin_outcomes(PAYER, mark, None)) for mark in range(6)] == [11, 10, 9, 8, 6, 4]


@pytest.mark.parametrize(
    ("edges", "landmark", "horizon"),
    [((0, 5), 3, 5), ((0, 5), 0, 4), ((0, 5), 0, 0), ((0, 5, 5), 0, 5), ((5, 0), 0, 5)],
)
def test_a_shape_whose_moments_are_no_edges_in_order_is_refused(
    edges: tuple[int, ...], landmark: int, horizon: int
) -> None:
    with pytest.raises(ValueError, match="edge"):
        Shape(edges, (Landmark("a", landmark),), (Horizon("b", horizon),))


RETENTION = Shape((7 * DAY_MS, 8 * DAY_MS), PAYER.landmarks, (Horizon("d7", 8 * DAY_MS),))


@pytest.mark.parametrize("landmark", range(6))
def test_landmarks_before_the_first_bin_have_all_bins(landmark: int) -> None:
    assert RETENTION.first_bin(landmark) == 0
    assert bin_outcomes(RETENTION, landmark, None) == [(0, False, 8 * DAY_MS)]
    assert bin_outcomes(RETENTION, landmark, 7 * DAY_MS) == [(0, True, 8 * DAY_MS)]
    assert bin_outcomes(RETENTION, landmark, 8 * DAY_MS) == [(0, False, 8 * DAY_MS)]


def test_before_the_first_edge_there_is_no_bin() -> None:
    assert [RETENTION.bin_at(DAY_MS * day) for day in (0, 6, 7, 8)] == [-1, -1, 0, 1]


def test_what_happens_before_the_first_bin_is_no_outcome() -> None:
    with pytest.raises(ValueError, match="before the first bin"):
        bin_outcomes(RETENTION, 0, 2 * DAY_MS)
