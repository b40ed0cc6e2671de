"""Watches the residuals of a target for drift while it learns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from online_models.drift.watch import Alarm, DriftStream, DriftWatch
from online_models.hazard.rules import Numbers
from online_models.learning.evidence import PrequentialBlock
from schemas.records import Example

COMPARED_EVERY = 4
"""Tiers are compared on the rows of one block in so many, counted from the log's beginning."""


class LearnedBlock(NamedTuple):
    """What one block of examples showed, and the alarms that its learner has answered."""

    target: str
    rows: PrequentialBlock | None
    """Of one block in `COMPARED_EVERY`; None: not of this one."""
    alarms: list[Alarm]
    refused: int
    """Residuals of streams for which there was no room."""


def watch_residuals(
    watch: DriftWatch, target: str, examples: Sequence[Example], predicted: Numbers
) -> list[Alarm]:
    """Feed the residuals of one block to the watch, by app and by media source of each app.

    `predicted`: the hazard of each row before it was learned. Rows of an example share its label,
    so only the last row of each counts: the others would raise as many false alarms again.
    """
    if not len(predicted):
        return []
    sizes = np.array([len(one.snapshots) for one in examples], np.int64)
    lasts = np.cumsum(sizes) - 1
    labels = np.array([one.label for one in examples], np.float64)
    missed = np.where(sizes > 0, labels - predicted[lasts], np.nan).tolist()
    by_source: dict[tuple[str, str], list[float]] = {}
    for example, residual in zip(examples, missed, strict=True):
        by_source.setdefault((example.app_id, example.media_source), []).append(residual)
    by_app: dict[tuple[str, str], list[float]] = {}
    for (app_id, _), residuals in by_source.items():
        by_app.setdefault((app_id, ""), []).extend(residuals)
    at = max(one.matured_at for one in examples)
    named = [(origin, residuals) for origin, residuals in by_source.items() if origin[1]]
    return [
        alarm
        for (app_id, source), residuals in (*named, *by_app.items())
        for alarm in watch.feed_each(
            DriftStream("residual", target, "", app_id, source), residuals, at
        )
    ]
