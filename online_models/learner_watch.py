"""What a learner watches while it learns: whether its residuals drift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from online_models.drift import Alarm, DriftWatch, Stream
from online_models.hazard.rules import Numbers
from online_models.learner_evidence import Lesson
from schemas.records import Example


class Block(NamedTuple):
    """What one block of examples showed, and the alarms that were answered at its end."""

    target: str
    lesson: Lesson
    alarms: list[Alarm]


def watch_residuals(
    watch: DriftWatch, target: str, examples: Sequence[Example], told: Numbers
) -> list[Alarm]:
    """`told`: each row's hazard before it was learned. Rows of an example share its label, so only
    the last one counts: as many false alarms again would come of the others."""
    lasts = np.cumsum([len(one.snapshots) for one in examples], dtype=np.int64) - 1
    alarms: list[Alarm | None] = []
    for one, last in zip(examples, lasts.tolist(), strict=True):
        if not one.snapshots:
            continue
        missed = one.label - float(told[last])
        for source in (one.media_source, ""):
            stream = Stream("residual", target, "", one.app_id, source)
            alarms.append(watch.feed(stream, missed, one.matured_at))
    return [alarm for alarm in alarms if alarm is not None]
