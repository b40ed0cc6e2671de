"""Replays recorded files through all stages, for evaluations that look at the outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from streams.progress import Progress
from streams.replay.engine import OutcomeSink, Replay, SourceOrder, in_time_order
from streams.replay.run import SourceReader, counted, survey
from streams.settings import Settings
from streams.wiring.parts import stage_rules
from streams.worker.observers import StageMetrics


def replay_history(
    settings: Settings,
    files: Sequence[Path],
    take: OutcomeSink,
    progress: tuple[Progress, str],
    observer: StageMetrics | None = None,
) -> SourceOrder:
    """Read the files twice: once for the order of time, once to decide.

    `take` receives the outcomes; `progress` is whom to report to, and the name of the second step.
    Returns what the first pass found. Stop: a file cannot be read.
    """
    advance, step = progress
    reader = SourceReader(files, settings.kafka.topic_prefix)
    order = survey(reader.read(), lambda done: advance("read", done, 0))
    reader.unreadable.warn()
    by_time, in_order = in_time_order(reader.read(), order)
    records = counted(by_time, order.records, advance, step)
    Replay(stage_rules(settings), take, observer or StageMetrics()).run(records, in_order)
    return order
