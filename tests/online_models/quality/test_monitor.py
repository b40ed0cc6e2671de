"""Quality told as labels mature: which slices, when, and what is remembered until then."""

from __future__ import annotations

import math
import random
from collections import Counter

import numpy as np
import pytest

from online_models.persistence.envelope import Unusable, seal
from online_models.quality.monitor import (
    OTHER,
    QUALITY_LAYOUT,
    QualityMonitor,
    QualityRules,
    QualitySlice,
    QualityWindow,
    dump_quality,
    load_quality,
)
from schemas.time import DAY_MS

ABOUT = QualitySlice("payer", "d7", "1h", "ios", "full", "payer-1", "network")


def reported(monitor: QualityMonitor, count: int, seed: int = 1) -> list[QualityWindow]:
    """Labels of two landmarks, three sources and two tiers, an hour apart."""
    chance, windows = random.Random(seed), []
    for number in range(count):
        about = ABOUT._replace(
            landmark=chance.choice(("install", "1h")),
            tier=chance.choice(("full", "rates")),
            media_source=f"source-{number % 3}",
        )
        predicted = chance.random() * 0.3
        outcome = float(chance.random() < predicted)
        at = number * 3_600_000
        windows += monitor.served(about, predicted, outcome, at)
        windows += monitor.rows(about, np.array([predicted]), np.array([outcome]), at)
    return windows


def test_a_label_counts_for_its_landmark_its_version_and_its_source() -> None:
    monitor = QualityMonitor(QualityRules(window=1))
    windows = monitor.served(ABOUT, 0.25, 1.0, 7)

    assert [window.slice for window in windows] == [
        QualitySlice("payer", "d7", landmark="1h", tier="full"),
        QualitySlice("payer", "d7", tier="full", model_version="payer-1"),
        QualitySlice("payer", "d7", tier="full", media_source="network"),
    ]
    assert [window.number for window in windows] == [1, 2, 3]
    assert windows[0].figures.log_loss == pytest.approx(-math.log(0.25))
    assert windows[0].figures.calibration_ratio == 0.25


def test_rows_of_bins_keep_what_they_are_about_and_fill_one_window_after_the_other() -> None:
    monitor = QualityMonitor(QualityRules(window=4))
    about = QualitySlice("payer", "", "1h", tier="rates")
    answer = np.arange(1, 11) / 16
    windows = monitor.rows(about, answer, np.zeros(10), 7)

    assert {window.slice for window in windows} == {about._replace(horizon="bin")}
    assert [window.figures.predicted for window in windows] == [2.5 / 16, 6.5 / 16]
    assert monitor.rows(about, answer[:2], np.ones(2), 8)[0].figures.observed == 0.5


def test_figures_are_those_of_all_labels_of_the_window() -> None:
    monitor = QualityMonitor(QualityRules(window=500))
    chance = random.Random(3)
    labels = [(answer := chance.random() ** 3, float(chance.random() < answer)) for _ in range(500)]
    windows = [one for label in labels for one in monitor.served(ABOUT, *label, 0)]
    answer, actual = np.array(labels).T
    loss = -(actual * np.log(answer) + (1 - actual) * np.log1p(-answer)).mean()
    share = actual.mean()
    figures = windows[0].figures
    pairs = answer[actual == 1][:, None] > answer[actual == 0][None, :]

    assert figures.rows == 500
    assert figures.log_loss == pytest.approx(loss, rel=1e-5)
    entropy = -(share * math.log(share) + (1 - share) * math.log(1 - share))
    assert figures.normalised_entropy == pytest.approx(loss / entropy, rel=1e-5)
    assert figures.calibration_ratio == pytest.approx(answer.sum() / actual.sum(), rel=1e-5)
    assert figures.auc == pytest.approx(pairs.mean(), abs=0.002)
    assert sum(one.rows for one in windows[0].table) == 500
    assert 0 < figures.ece < 0.1


def test_what_nobody_can_tell_from_the_labels_is_not_a_number() -> None:
    monitor = QualityMonitor(QualityRules(window=2))
    monitor.served(ABOUT, 0.1, 0.0, 0)
    figures = monitor.served(ABOUT, 0.2, 0.0, 0)[0].figures

    assert figures.log_loss > 0
    assert math.isnan(figures.normalised_entropy)
    assert math.isnan(figures.calibration_ratio)
    assert math.isnan(figures.auc)


def test_amounts_are_judged_by_order_level_and_total() -> None:
    monitor = QualityMonitor(QualityRules(window=20))
    amounts = [float(number) for number in range(20)]
    windows = [one for amount in amounts for one in monitor.amount(ABOUT, 2 * amount, amount, 0)]
    figures = windows[0].figures

    assert figures.normalised_gini == pytest.approx(1)
    assert figures.decile_mape == pytest.approx(1)
    assert figures.calibration_ratio == pytest.approx(2)
    assert math.isnan(figures.log_loss)
    assert windows[0].table == []


def test_everything_is_told_when_a_day_ends() -> None:
    monitor = QualityMonitor()
    assert monitor.served(ABOUT, 0.1, 0.0, 5 * DAY_MS) == []
    assert monitor.served(ABOUT, 0.1, 0.0, 6 * DAY_MS - 1) == []
    windows = monitor.served(ABOUT._replace(target="other"), 0.1, 0.0, 6 * DAY_MS)

    assert len(windows) == 3
    assert {window.figures.rows for window in windows} == {2}
    assert (windows[0].begin_at, windows[0].end_at) == (5 * DAY_MS, 6 * DAY_MS - 1)
    assert monitor.slices == 3


def test_labels_of_both_days_in_turn_around_midnight_end_the_day_once() -> None:
    monitor = QualityMonitor()
    windows = [
        one
        for number in range(100)
        for one in monitor.served(ABOUT, 0.1, 0.0, 6 * DAY_MS - (number + 1) % 2)
    ]
    assert len(windows) == 3


def test_a_clock_that_jumped_far_ahead_and_back_goes_on_telling_every_day() -> None:
    monitor = QualityMonitor()
    days = [5, 5_000_000, 6, 7, 8]
    windows = [one for day in days for one in monitor.served(ABOUT, 0.1, 0.0, day * DAY_MS)]
    assert [window.begin_at // DAY_MS for window in windows[::3]] == days[:-1]


@pytest.mark.parametrize(
    ("predicted", "outcome"),
    [(math.nan, 1.0), (math.inf, 1.0), (-0.1, 0.0), (1.1, 0.0), (0.5, 0.5), (0.5, math.nan)],
)
def test_what_is_no_chance_or_no_outcome_is_counted_and_left_out(
    predicted: float, outcome: float
) -> None:
    monitor = QualityMonitor(QualityRules(window=1))
    assert monitor.served(ABOUT, predicted, outcome, 0) == []
    assert monitor.rows(ABOUT, np.array([predicted]), np.array([outcome]), 0) == []
    assert monitor.counts.unusable == 2
    assert monitor.slices == monitor.counts.labels == 0


@pytest.mark.parametrize("amount", [math.nan, math.inf, 1e10])
def test_what_is_no_amount_is_counted_and_left_out(amount: float) -> None:
    monitor = QualityMonitor(QualityRules(window=1))
    assert monitor.amount(ABOUT, amount, 1.0, 0) == []
    assert monitor.amount(ABOUT, 1.0, amount, 0) == []
    assert monitor.counts.unusable == 2


def test_a_million_sources_share_one_name_beyond_the_first() -> None:
    monitor = QualityMonitor(QualityRules(sources_max=2))
    for number in range(50_000):
        monitor.served(ABOUT._replace(media_source=f"name-{number}"), 0.1, 0.0, 0)
    windows = monitor.served(ABOUT, 0.1, 0.0, DAY_MS)
    rows = {one.slice.media_source: one.figures.rows for one in windows if one.slice.media_source}

    assert set(rows) <= {"name-0", "name-1", OTHER}
    assert monitor.counts.unnamed == 50_000 - 2 + 1
    assert monitor.slices <= 5


def test_without_room_the_slice_that_was_silent_longest_tells_what_it_has() -> None:
    monitor = QualityMonitor(QualityRules(slices_max=6))
    windows = [
        one
        for number in range(100)
        for one in monitor.served(ABOUT._replace(model_version=f"payer-{number}"), 0.1, 0.0, number)
    ]
    assert monitor.slices == 6
    assert [one.slice.model_version for one in windows] == [f"payer-{n}" for n in range(96)]
    assert monitor.counts.evicted == len(windows)


def test_nothing_is_lost_and_nothing_told_twice() -> None:
    monitor = QualityMonitor(QualityRules(window=50))
    windows = reported(monitor, 2_000) + monitor.served(ABOUT, 0.5, 0.0, 10**6 * DAY_MS)
    rows: Counter[str] = Counter()
    for window in windows:
        of = window.slice
        rows["landmark" if of.landmark else "version" if of.model_version else "source"] += (
            window.figures.rows if of.horizon == "d7" else 0
        )
    assert rows == {"landmark": 2_000, "version": 2_000, "source": 2_000}
    assert [window.number for window in windows] == list(range(1, len(windows) + 1))


@pytest.mark.parametrize("kept", [0, 1, 333])
def test_a_monitor_written_down_goes_on_bit_for_bit(kept: int) -> None:
    rules = QualityRules(window=30)
    first = QualityMonitor(rules)
    reported(first, kept)
    resumed = load_quality(dump_quality(first), rules)
    assert isinstance(resumed, QualityMonitor)
    of_first, of_resumed = (reported(one, 500, seed=9) for one in (first, resumed))

    assert of_first
    assert repr(of_first) == repr(of_resumed)  # NaN is not equal to itself
    assert dump_quality(first) == dump_quality(resumed)


def test_a_monitor_that_was_damaged_is_unusable_with_a_reason() -> None:
    monitor = QualityMonitor()
    reported(monitor, 10)
    content = dump_quality(monitor)
    damaged = [
        b"", content[:-7], content[:-1] + bytes([content[-1] ^ 1]),
        seal(QUALITY_LAYOUT.schema, b"\x90")[0], seal("quality/0", b"")[0],
    ]  # fmt: skip
    for one in damaged:
        assert isinstance(load_quality(one, monitor.rules), Unusable)
    assert isinstance(load_quality(content, QualityRules(slices_max=1)), Unusable)
