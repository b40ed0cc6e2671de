"""Outcome rows of closed quality windows and of drift alarms."""

from __future__ import annotations

import math
from typing import Any, Literal

from msgspec import structs

from online_models.drift.watch import Alarm
from online_models.quality.monitor import QualityWindow
from schemas.outcomes import DriftAlarm, ModelQuality, ReliabilityRow

NO_FIGURE = -1.0
"""On the wire, a figure that the labels do not give: JSON has no NaN."""


def quality_row(window: QualityWindow) -> ModelQuality:
    """The row of a closed window."""
    figures: dict[str, Any] = {
        name: NO_FIGURE if math.isnan(value) else value
        for name, value in window.figures._asdict().items()
    }
    return ModelQuality(
        quality_id=_id_of(window),
        **window.slice._asdict(),
        **figures,
        begin_time=window.begin_at,
        end_time=window.end_at,
    )


def reliability_rows(window: QualityWindow) -> list[ReliabilityRow]:
    """One row per bin; none for windows of all landmarks, since calibration is by landmark."""
    about, quality_id = window.slice, _id_of(window)
    if not about.landmark:
        return []
    return [
        ReliabilityRow(
            reliability_id=f"{quality_id}:{number}",
            quality_id=quality_id,
            target=about.target,
            horizon=about.horizon,
            landmark=about.landmark,
            tier=about.tier,
            bin=number,
            **of_bin._asdict(),
            end_time=window.end_at,
        )
        for number, of_bin in enumerate(window.table)
    ]


def drift_alarm_row(alarm: Alarm, response: Literal["loosened", "none"]) -> DriftAlarm:
    stream, change = alarm.stream, alarm.change
    return DriftAlarm(
        alarm_id=":".join([*stream, str(alarm.number), str(alarm.raised_at)]),
        **stream._asdict(),
        mean_before=change.before,
        mean_after=change.after,
        rows_before=change.rows_before,
        rows_after=change.rows_after,
        response=response,
        raised_at=alarm.raised_at,
    )


def known_figures(row: ModelQuality) -> dict[str, float]:
    """The figures of a row that its labels give, by name."""
    names = (
        "normalised_entropy", "calibration_ratio", "ece", "auc", "normalised_gini", "decile_mape",
        "log_loss",
    )  # fmt: skip
    figures = structs.asdict(row)
    return {name: figures[name] for name in names if figures[name] != NO_FIGURE}


def _id_of(window: QualityWindow) -> str:
    # After a quarantine numbers are given again, but not at the same time of the log.
    return ":".join([*window.slice, str(window.number), str(window.end_at)])
