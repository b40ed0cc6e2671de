"""Outcomes about models: versions, quality, reliability and drift."""

from __future__ import annotations

from typing import Any

from schemas import outcomes
from tests.worlds.stores.traffic_outcomes import NOON


def model_version(number: int, version: str, state: str, **changed: Any) -> outcomes.ModelVersion:
    fields: dict[str, Any] = {
        "change_id": f"payer:{number}",
        "model": "payer",
        "number": number,
        "version": version,
        "state": state,
        "live_version": version,
        "is_held": False,
        "contestant": "main",
        "parent": "",
        "reason": "",
        "figures": {"rows": 1000.0, "normalised_entropy": 0.9},
        "learned_offset": 10 * number,
        "learned_at": NOON + number,
        "command_id": "",
    }
    return outcomes.ModelVersion(**{**fields, **changed})


def model_quality(number: int = 1, **changed: Any) -> outcomes.ModelQuality:
    fields: dict[str, Any] = {
        "quality_id": f"payer:d7:1h:full:{number}",
        "target": "payer",
        "horizon": "d7",
        "landmark": "1h",
        "platform": "",
        "tier": "full",
        "model_version": "",
        "media_source": "",
        "rows": 1000,
        "predicted": 0.05,
        "observed": 0.05,
        "log_loss": 0.18,
        "normalised_entropy": 0.9,
        "calibration_ratio": 1.0,
        "ece": 0.01,
        "auc": 0.7,
        "normalised_gini": -1.0,
        "decile_mape": -1.0,
        "begin_time": NOON,
        "end_time": NOON + number,
    }
    return outcomes.ModelQuality(**{**fields, **changed})


def reliability_row(number: int = 1, bin_: int = 0, **changed: Any) -> outcomes.ReliabilityRow:
    fields: dict[str, Any] = {
        "reliability_id": f"payer:d7:1h:full:{number}:{bin_}",
        "quality_id": f"payer:d7:1h:full:{number}",
        "target": "payer",
        "horizon": "d7",
        "landmark": "1h",
        "tier": "full",
        "bin": bin_,
        "lower": 0.0,
        "upper": 0.1,
        "rows": 100,
        "predicted": 0.05,
        "observed": 0.04,
        "end_time": NOON + number,
    }
    return outcomes.ReliabilityRow(**{**fields, **changed})


def drift_alarm(number: int = 1, **changed: Any) -> outcomes.DriftAlarm:
    fields: dict[str, Any] = {
        "alarm_id": f"residual:payer::app.one:alpha:{number}",
        "kind": "residual",
        "target": "payer",
        "subject": "",
        "app_id": "app.one",
        "media_source": "alpha",
        "mean_before": 0.0,
        "mean_after": 0.05,
        "rows_before": 4000,
        "rows_after": 600,
        "response": "loosened",
        "raised_at": NOON + number,
    }
    return outcomes.DriftAlarm(**{**fields, **changed})
