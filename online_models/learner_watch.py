"""What a learner watches while it learns: whether its residuals drift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from online_models.drift import Alarm, DriftWatch, Stream
from online_models.hazard.rules import Numbers
from online_models.learner_evidence import Lesson
from schemas.records import Example

LESSON_EVERY = 4
"""Tiers are compared on the rows of one block in so many, counted from the log's beginning."""


class Block(NamedTuple):
    """What one block of examples showed, and the alarms that were answered at its end."""

    target: str
    lesson: Lesson | None
    """Of one block in `LESSON_EVERY`."""
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
    lasts = np.cumsum([len(one.snapshots) for one in examples], dtype=np.int64) - 1
    of_stream: dict[tuple[str, str], tuple[list[float], list[int]]] = {}
    for one, chance in zip(examples, told[lasts].tolist(), strict=True):
        if not one.snapshots:
            continue
        for source in (one.media_source, ""):
            missed, times = of_stream.setdefault((one.app_id, source), ([], []))
            missed.append(one.label - chance)
            times.append(one.matured_at)
    return [
        alarm
        for (app_id, source), (missed, times) in of_stream.items()
        for alarm in watch.feed_each(Stream("residual", target, "", app_id, source), missed, times)
    ]
