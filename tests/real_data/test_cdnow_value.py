"""What CDNOW's customers will be worth: the value model beside BG/NBD with gamma-gamma.

BG/NBD is made for such customers, who buy at random and then stop, and is better here. It
says nothing of who is new and of different sources; the value model has no shape of its own.
"""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from online_models.quality.value_figures import decile_mape, normalised_gini, total_ratio
from streams.cli.lab.evaluate import evaluate_group
from streams.kafka.kcat import KcatRecord, record_line
from tests.real_data.btyd import Customers, fit
from tests.real_data.cdnow_value import (
    CALIBRATION_D,
    Purchases,
    customers_at,
    expected,
    first_days,
    learned,
    predicted_by_formula,
    read_purchases,
)
from tests.real_data.real_histories import folder
from tests.real_data.test_cdnow import _history

pytestmark = pytest.mark.soak

ASKED_FROM_D = 31
"""`headwater evaluate value --data` judges what was asked from this day on."""


ENVIRONMENT = {
    "HEADWATER_EARLIEST_EVENT_TIME": "1990-01-01",
    "HEADWATER_JOURNEY_RETENTION": "800d",
    "HEADWATER_REAL_DATA": None,
}
"""For purchases of 1997 and 1998; the last is no setting of the product."""


@pytest.fixture(scope="module")
def purchases() -> Purchases:
    return read_purchases()


def test_bg_nbd_finds_the_published_parameters() -> None:
    """Of the published sample: Fader, Hardie and Lee 2005, table 2."""
    with gzip.open(folder("cdnow") / "cdnow_customers_summary.csv.gz", "rt") as text:
        rows = list(csv.DictReader(text))
    repeats, last, age = (
        np.array([float(row[name]) for row in rows]) for name in ("frequency", "recency", "T")
    )
    model = fit(Customers(repeats, last, age, 10.0 + repeats, 1.0 + repeats))
    found = (model.r, model.alpha, model.a, model.b)
    assert found == pytest.approx((0.243, 4.414, 0.793, 2.426), rel=0.005)


def test_in_the_held_out_weeks_it_ranks_customers_nearly_as_well_as_bg_nbd(
    purchases: Purchases,
) -> None:
    """Weeks 40 to 78, of all customers. BG/NBD: Gini .709, decile MAPE .33, ratio .81."""
    first_d = first_days(purchases)
    actual = purchases.between(CALIBRATION_D, 2 * CALIBRATION_D)
    known = customers_at(purchases, CALIBRATION_D, first_d)
    usual = fit(known).expected(known, CALIBRATION_D / 7)
    model, encoder = learned(purchases, first_d)
    predicted = expected(model, encoder, known)
    assert normalised_gini(usual, actual) == pytest.approx(0.709, abs=0.005)
    assert normalised_gini(predicted, actual) > normalised_gini(usual, actual) - 0.02
    assert decile_mape(predicted, actual) < decile_mape(usual, actual) + 0.1
    assert 0.75 < total_ratio(predicted, actual) < 1.3


@pytest.fixture(scope="module")
def figures_of_history(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """By the command, on lines as kcat prints them."""
    path = tmp_path_factory.mktemp("cdnow") / "cdnow.jsonl"
    _write(path)
    run = CliRunner(env=ENVIRONMENT).invoke(
        evaluate_group, ["value", "--data", str(path), "--json"]
    )
    assert run.exit_code == 0, run.output
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def _write(path: Path) -> None:
    with path.open("wb") as lines:
        for record in sorted(_history(), key=lambda one: one.timestamp):
            line = KcatRecord(record.topic, 0, record.offset, record.timestamp, None, record.value)
            lines.write(record_line(line))


def test_the_command_reads_all_of_it(figures_of_history: dict[str, Any]) -> None:
    assert (figures_of_history["installs"], figures_of_history["payments"]) == (23_570, 69_659)
    assert figures_of_history["is_monotone"] is True


@pytest.mark.parametrize(("horizon", "days"), [("d30", 30), ("d90", 90)])
def test_a_week_after_the_first_purchase_it_comes_near_bg_nbd(
    figures_of_history: dict[str, Any],
    purchases: Purchases,
    horizon: str,
    days: int,
) -> None:
    """Of the same customers. BG/NBD: Gini .905 and .789, decile MAPE .03 and .06."""
    first_d = first_days(purchases)
    usual, actual = predicted_by_formula(purchases, first_d, ASKED_FROM_D, days)
    found = figures_of_history[horizon]["7d"]
    assert found["predictions"] == len(actual)
    model = found["model"]
    assert model["gini"] > normalised_gini(usual, actual) - 0.015
    assert model["decile_mape"] < 1.5 * decile_mape(usual, actual)
    assert model["total_ratio"] == pytest.approx(1.0, abs=0.1)


def test_what_is_known_of_the_first_purchase_tells_more_than_the_cohort(
    figures_of_history: dict[str, Any],
) -> None:
    for landmark in ("1h", "1d"):
        for horizon in ("d7", "d30"):
            figures = figures_of_history[horizon][landmark]
            assert figures["model"]["decile_mape"] < figures["cohorts"]["decile_mape"]
