"""What growth teams and SREs read of models: features, and the quality of predictions."""

from __future__ import annotations

import math
from typing import Any

import pytest

from online_models.features.carried import carried_features
from streams.store.base import Store
from tests.worlds.stores.model_outcomes import (
    drift_alarm,
    model_quality,
    model_version,
    reliability_row,
)
from tests.worlds.stores.store_world import put
from tests.worlds.stores.traffic_outcomes import features, prediction

pytest.importorskip("chdb")

AT_INSTALL = {"app=puzzle": 2.0, "campaign=event:x@1h": 4.0, "site=sessions@6h": 1.0}
AT_6H = {
    **AT_INSTALL, "sessions@6h": 0.6931, "events@6h": 1.0986, "active@6h=2": 1.0,
    "event:mail@6h@6h": 0.6931, "event:new_event:a=1@6h": 0.6931,
    "new_sessions@6h": 0.6931, "new_event:mail@6h@6h": 0.6931,
}  # fmt: skip
Found = dict[tuple[str, str, str], tuple[str, dict[str, float]]]


def read(store: Store, view: str) -> list[dict[str, Any]]:
    found = store.query(f"SELECT * FROM {view} ORDER BY ALL")
    return [dict(zip(found.names, row, strict=True)) for row in found.rows]


def test_a_day_adds_up_its_windows_by_rows_and_counts_repeats_once(store: Store) -> None:
    small = model_quality(1, rows=1000, log_loss=0.1, observed=0.02, predicted=0.03)
    large = model_quality(2, rows=3000, log_loss=0.2, observed=0.06, predicted=0.05)
    of_version = model_quality(3, landmark="", model_version="payer-1", rows=9999)
    put(store, [small, large, large, of_version])
    put(
        store,
        [
            reliability_row(1, 0, rows=1000, predicted=0.03, observed=0.02),
            reliability_row(2, 0, rows=3000, predicted=0.05, observed=0.06),
            reliability_row(2, 1, rows=4000, predicted=0.10, observed=0.12),
        ],
    )
    (day,) = read(store, "v_model_quality_daily")
    share = (1000 * 0.02 + 3000 * 0.06) / 4000
    entropy = -(share * math.log(share) + (1 - share) * math.log(1 - share))

    assert day["rows"] == 4000
    assert day["log_loss"] == pytest.approx(0.175)
    assert day["normalised_entropy"] == pytest.approx(0.175 / entropy)
    assert day["calibration_ratio"] == pytest.approx((30 + 150) / (20 + 180))
    # Of the first bin the errors of both windows cancel out in part.
    assert day["ece"] == pytest.approx((4000 * 0.005 + 4000 * 0.02) / 8000)
    assert day["auc"] == pytest.approx(0.7)
    assert day["normalised_gini"] is None


def test_what_cannot_be_told_is_null_and_does_not_spoil_the_day(store: Store) -> None:
    defined = model_quality(1, auc=0.8, rows=100)
    undefined = model_quality(
        2, auc=-1.0, normalised_entropy=-1.0, calibration_ratio=-1.0, rows=900
    )
    put(store, [defined, undefined])

    assert [row["auc"] for row in read(store, "v_model_quality")] == [0.8, None]
    (day,) = read(store, "v_model_quality_daily")
    assert day["auc"] == pytest.approx(0.8)


def test_amounts_have_figures_of_their_own(store: Store) -> None:
    amounts = model_quality(
        1, target="value", log_loss=-1.0, normalised_entropy=-1.0, ece=-1.0, auc=-1.0,
        predicted=2.0, observed=1.0, normalised_gini=0.7, decile_mape=0.1,
    )  # fmt: skip
    put(store, [amounts])
    (day,) = read(store, "v_model_quality_daily")

    assert (day["normalised_gini"], day["decile_mape"]) == (0.7, 0.1)
    assert day["calibration_ratio"] == 2.0
    assert day["log_loss"] is day["normalised_entropy"] is day["ece"] is None


def test_a_reliability_table_says_how_far_chances_are_off(store: Store) -> None:
    put(store, [reliability_row(1, 0, predicted=0.1, observed=0.05, rows=100)] * 2)
    put(store, [reliability_row(2, 0, predicted=0.2, observed=0.15, rows=300)])
    (row,) = read(store, "v_reliability")

    assert row["rows"] == 400
    assert row["predicted"] == pytest.approx(0.175)
    assert row["gap"] == pytest.approx(0.05)


def test_tiers_are_compared_on_the_same_rows(store: Store) -> None:
    lost = {"full": 0.10, "install_only": 0.11, "rates": 0.12, "constant": 0.125}
    put(
        store,
        [
            model_quality(
                number, quality_id=f"{tier}{number}", horizon="bin", tier=tier, log_loss=of
            )
            for tier, of in lost.items()
            for number in (1, 2)
        ],
    )
    (row,) = read(store, "v_tier_quality")

    assert row["rows"] == 2000
    assert [row[tier] for tier in lost] == pytest.approx(list(lost.values()))
    assert row["gain"] == pytest.approx(0.2)


def test_an_alarm_is_told_once(store: Store) -> None:
    put(store, [drift_alarm(), drift_alarm(), drift_alarm(2, kind="feature", subject="x")])
    assert [row["kind"] for row in read(store, "v_drift")] == ["residual", "feature"]


def shown(store: Store) -> Found:
    """Where the features of each app, install and landmark were frozen, and the features."""
    sql = "SELECT app_id, install_id, landmark, frozen_at, features FROM v_features"
    return {row[:3]: (row[3], row[4]) for row in store.query(sql).rows}


def test_a_landmark_without_a_row_has_the_features_of_the_last_one_that_has(store: Store) -> None:
    put(
        store,
        [
            features(landmark="install", features=AT_INSTALL),
            features(landmark="6h", features=AT_6H),
            *(prediction(landmark=one) for one in ("install", "1h", "6h", "1d", "3d")),
            prediction(landmark="1d", target="retention_d7"),
        ],
    )

    found = shown(store)

    assert {key[2]: frozen_at for key, (frozen_at, _) in found.items()} == {
        "install": "install", "1h": "install", "6h": "6h", "1d": "6h", "3d": "6h",
    }  # fmt: skip
    assert found["puzzle", "i1", "install"][1] == AT_INSTALL
    assert found["puzzle", "i1", "6h"][1] == AT_6H
    quiet_hour = found["puzzle", "i1", "1h"][1]
    assert quiet_hour == carried_features(AT_INSTALL, "install", "1h")
    assert quiet_hour == {**AT_INSTALL, "sessions@1h": 0.0, "events@1h": 0.0, "active@1h=0": 1.0}
    quiet_days = found["puzzle", "i1", "3d"][1]
    assert quiet_days == carried_features(AT_6H, "6h", "3d")
    assert quiet_days["event:mail@6h@3d"] == 0.6931
    assert not [name for name in quiet_days if name.startswith("new_")]


def test_an_install_id_of_two_apps_is_two_installs_and_repeats_change_nothing(store: Store) -> None:
    other = {"app=chess": 2.0}
    rows = [
        features(features=AT_INSTALL),
        prediction(landmark="install"),
        prediction(landmark="1h"),
        features(app_id="chess", features=other),
        prediction(landmark="install", app_id="chess"),
    ]
    put(store, rows)
    put(store, rows, epoch="again")

    found = shown(store)

    assert sorted(found) == [
        ("chess", "i1", "install"), ("puzzle", "i1", "1h"), ("puzzle", "i1", "install"),
    ]  # fmt: skip
    assert found["chess", "i1", "install"][1] == other


def test_rows_of_every_landmark_as_earlier_builds_wrote_them_stay_as_they_are(store: Store) -> None:
    at_1h = carried_features(AT_INSTALL, "install", "1h")
    put(
        store,
        [
            features(features=AT_INSTALL),
            features(landmark="1h", features=at_1h),
            prediction(landmark="install"),
            prediction(landmark="1h"),
        ],
    )

    assert shown(store)["puzzle", "i1", "1h"] == ("1h", at_1h)


def test_what_has_lost_the_row_that_it_rests_on_is_not_shown(store: Store) -> None:
    """As where rows of features are kept for a shorter time than predictions."""
    put(store, [prediction(landmark="1d"), prediction(landmark="3d")])

    assert shown(store) == {}


def test_a_prediction_has_the_number_of_events_behind_it(store: Store) -> None:
    by_model = prediction("i1", model_version="payer-9", value_version="value-3")
    put(
        store,
        [
            by_model,
            by_model,
            prediction("i2", model_version="rates-9", value_version="constant"),
            prediction("i3", model_version="constant"),
            model_version(1, "payer-9", "published", figures={"positives_learned": 210.0}),
            model_version(2, "payer-9", "rolled_back", figures={}),
            model_version(3, "value-3", "published", figures={"positives_learned": 34.0}),
            model_version(4, "rates-9", "published", figures={}),
        ],
    )
    found = {
        row["install_id"]: (row["events"], row["amount_events"])
        for row in read(store, "v_predictions")
    }
    assert found == {"i1": (210, 34), "i2": (None, 0), "i3": (0, None)}
