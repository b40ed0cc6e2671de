"""What a core worker is given: its stages, and all that differs between roles and in tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import faust

from streams.agents import CORE_LANES, Offer, core_app
from streams.runtime.faust.group_admission import Admission
from streams.runtime.identity import KnownLogs
from streams.runtime.lane import LaneSpec
from streams.runtime.reports import LaneObserver
from streams.runtime.snapshots import SnapshotReader
from streams.settings.core import CoreSettings
from streams.stages.contract import NamesSources, Stage

Stages = Callable[[str, int, int, int], Stage]
"""Creates a stage from its name, a partition number and the number of partitions."""

SourceLogs = Callable[[CoreSettings, KnownLogs], Awaitable[Mapping[str, int]]]
"""The number of the log behind each source topic."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a core worker is given besides its stages; everything has a default."""

    snapshots: SnapshotReader | None = None
    observer: LaneObserver | None = None
    specs: tuple[LaneSpec, ...] = CORE_LANES
    app: Callable[[CoreSettings, Offer], faust.App] = core_app
    """An app with one agent for each of `specs`."""
    beside: tuple[LaneSpec, ...] = ()
    """Lanes that only other workers of the group have."""
    admission: Admission | None = None
    """Ends once the worker may join its group; None: it may at once."""
    source_logs: SourceLogs | None = None
    """None: a source topic has one log only."""


def numbered_stages(stages: Stages, logs: Mapping[str, int]) -> Stages:
    """The same stages, which know the number of the log behind each source topic."""

    def create(name: str, p: int, partitions: int, sources: int, /) -> Stage:
        stage = stages(name, p, partitions, sources)
        if isinstance(stage, NamesSources):
            stage.source_logs = logs
        return stage

    return create
