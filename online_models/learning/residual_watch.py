"""What a learner watches while it learns: whether its residuals drift."""

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
    """What one block of examples showed, and the alarms that were answered at its end."""

    target: str
    lesson: PrequentialBlock | None
    """Of one block in `COMPARED_EVERY`."""
    alarms: list[Alarm]
    refused: int
    """Residuals of streams for which there was no room."""


def watch_residuals(
    watch: DriftWatch, target: str, examples: Sequence[Example], told: Numbers
) -> list[Alarm]:
    """Of one block. `told`: each row's hazard before it was learned. Rows of an example share its
    label, so only the last one counts: as many false alarms again would come of the others."""
    if not len(told):
        return []
    sizes = np.array([len(one.snapshots) for one in examples], np.int64)
    lasts = np.cumsum(sizes) - 1
    labels = np.array([one.label for one in examples], np.float64)
    missed = np.where(sizes > 0, labels - told[lasts], np.nan).tolist()
    by_source: dict[tuple[str, str], list[float]] = {}
    for one, residual in zip(examples, missed, strict=True):
        by_source.setdefault((one.app_id, one.media_source), []).append(residual)
    by_app: dict[tuple[str, str], list[float]] = {}
    for (app_id, _), residuals in by_source.items():
        by_app.setdefault((app_id, ""), []).extend(residuals)
    at = max(one.matured_at for one in examples)
    named = [(place, residuals) for place, residuals in by_source.items() if place[1]]
    return [
        alarm
        for (app_id, source), residuals in (*named, *by_app.items())
        for alarm in watch.feed_each(
            DriftStream("residual", target, "", app_id, source), residuals, at
        )
    ]
