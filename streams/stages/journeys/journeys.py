"""Journeys: a state machine per install that decides attribution, books money and scores users."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import MsgspecError

from attribution.journey import ALL_READ
from attribution.rules.rules import Rules, rule_set_id
from schemas import topics
from schemas.records import (
    JOURNEY_PREFIXES,
    JourneyFrame,
    ModelMarker,
    OrderGiven,
    StoredFormat,
    journey_frames,
)
from schemas.time import HOUR_MS, MINUTE_MS, LogMs
from streams.errors import Stop
from streams.stages.common.observer import StageObserver
from streams.stages.common.pseudonyms import AnonymousIds
from streams.stages.common.watermarks import (
    CLOSED,
    NOTHING_READ,
    READ,
    FreshnessReport,
    ReadLimit,
    Watermarks,
    WatermarkStep,
    stage_upstreams,
    upstream,
)
from streams.stages.common.working_set import (
    RESERVED,
    WATERMARKS_KEY,
    Codec,
    Timers,
    WorkingSet,
)
from streams.stages.contract import Effects, LogRecord, StateReader, positions_after
from streams.stages.experiments.experiment_steps import (
    ORDER_FORMAT,
    ORDER_PREFIX,
    OrderedExperiments,
)
from streams.stages.journeys.active_models import ActiveModels, JourneyContext, Scorers
from streams.stages.journeys.install_steps import InstallSteps
from streams.stages.journeys.rule_change import RuleChange
from streams.stages.journeys.states.install_state import InstallState, install_due
from streams.stages.separate.journeys_steps import SeparateInstallSteps
from streams.stages.separate.states import SeparateStates

MODEL_KEY = b"\x00model"
RULES_KEY = b"\x00rules"
SITES_STEP_MS = MINUTE_MS
"""Log time between two watermarks for the sites stage, which judges hourly."""
LEARNING_STEP_MS = HOUR_MS
"""Log time between two watermarks for the learning stage, by which others keep pace with it."""

INSTALL_STATES: StoredFormat[InstallState] = StoredFormat("a state of journeys", InstallState)


class Journeys:
    """The journeys stage of one partition. Order of calls: see `streams.stages.contract.Stage`."""

    name = "journeys"

    def __init__(
        self,
        partition: int,
        partitions: int,
        rules: Rules,
        scorers: Scorers,
        observer: StageObserver,
        erased_names: Sequence[AnonymousIds] = (),
    ) -> None:
        self.context = JourneyContext(
            partition=partition,
            partitions=partitions,
            declared_rules=rules,
            rule_set=rule_set_id(rules),
            timers=Timers(),
            active=ActiveModels(scorers),
            observer=observer,
            erased_names=erased_names,
            experiments=OrderedExperiments(tells_orders=partition == 0),
        )
        self._matching = stage_upstreams("matching", partitions)
        self._read = stage_upstreams(READ, partitions)
        self._read_limit = ReadLimit(rules.decision_wait_ms)
        self._closed = stage_upstreams(CLOSED, partitions)
        self._watermarks = Watermarks([*self._matching, *self._read, *self._closed])
        self._freshness = FreshnessReport(self.name, partition)
        self._sites_step = WatermarkStep(upstream(self.name, partition), SITES_STEP_MS)
        self._learning_step = WatermarkStep(upstream(self.name, partition), LEARNING_STEP_MS)
        self._rule_change = RuleChange(self.context.rule_set)
        self._codec: Codec[InstallState] = Codec(INSTALL_STATES, self._due)

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        applied = b""
        orders: list[OrderGiven] = []

        def states() -> Iterable[tuple[bytes, bytes]]:
            nonlocal applied
            for key, value in self._watermarks.restore_from(entries, INSTALL_STATES):
                if key == RULES_KEY:
                    applied = value
                elif key == MODEL_KEY:
                    self.context.active.restore(value)
                elif key.startswith(ORDER_PREFIX):
                    orders.append(ORDER_FORMAT.decode(value))
                else:
                    self._check(key)
                    yield key, value

        self.context.timers.restore(states())
        self.context.experiments.book.restore(orders)
        names = (key for key, _ in entries if key[0] != RESERVED)
        self._rule_change.restore(applied, names)

    def _check(self, key: bytes) -> None:
        """An install that is known without its app would never meet its events again."""
        if not key.decode().startswith(JOURNEY_PREFIXES):
            raise Stop(
                f"journeys: partition {self.context.partition} has the state of an earlier version,"
                " which knew installs without their app: begin with a new topic prefix and a new"
                " database, and replay the source topics into it (deploy/README.md, Upgrade)"
            )

    def snapshots_needed(self, records: Sequence[LogRecord]) -> Sequence[str]:
        """Versions that are not ready: named by markers in these records, or in use since before
        a restart."""
        active = self.context.active
        versions = active.unready_versions
        for record in records:
            if record.key == topics.MODEL_MARKER_KEY:
                try:
                    frame = journey_frames.decode(record.value or b"")
                except MsgspecError:
                    continue  # `decide` says so.
                versions += [
                    marker.version
                    for marker in frame.records
                    if isinstance(marker, ModelMarker) and marker.version
                    if not active.is_ready(marker.version)
                ]
        return versions

    def decide(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        frames = [journey_frames.decode(record.value or b"") for record in records]
        states = WorkingSet(self._codec, self.context.timers, state)
        batch = InstallSteps(self.context, states, self.stage_time())
        batch.load(frames)
        for frame in frames:
            self._take(frame, batch)
        batch.reconsider(self._rule_change.take())
        return self._effects(batch, positions_after(records))

    def decide_apart(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        states = SeparateStates(self._codec, self.context.timers, state)
        batch = SeparateInstallSteps(self.context, states, self.stage_time())
        for record in records:
            frame = batch.quarantine.read(journey_frames.decode, record)
            if frame is not None:
                self._take(frame, batch)
        batch.reconsider(self._rule_change.take())
        return self._effects(batch, positions_after(records))

    def _take(self, frame: JourneyFrame, batch: InstallSteps) -> None:
        # A partition that reports for the first time is waited for from its first answer on.
        self._watermarks.advance(
            {name: NOTHING_READ for name in frame.watermarks if name in self._read}
        )
        batch.read_until = self.read_until()
        for record in frame.records:
            batch.apply(record)
        self._watermarks.advance(frame.watermarks)
        batch.stage_time, batch.read_until = self.stage_time(), self.read_until()
        batch.closed_until = self._watermarks.minimum(self._closed)
        batch.fire()

    def stage_time(self) -> LogMs:
        """The log time up to which matching has answered."""
        return self._watermarks.minimum(self._matching)

    def passed_log_time(self) -> LogMs:
        return self.stage_time()

    def read_until(self) -> LogMs:
        """The log time up to which matching has read every touchpoint and install."""
        marks = self._watermarks.of(self._read)
        return self._read_limit.read_through(marks) if marks else ALL_READ

    def _effects(self, batch: InstallSteps, positions: dict[tuple[str, int], int]) -> Effects:
        stage_time = self.stage_time()
        effects = Effects(changes=batch.states.changes(), positions=positions)
        effects.changes |= self.context.experiments.changes()
        effects.changes[WATERMARKS_KEY] = self._watermarks.encode()
        effects.changes[MODEL_KEY] = self.context.active.encode()
        effects.changes[RULES_KEY] = self._rule_change.encode()
        batch.prospects.examples.flush(effects, {})
        batch.matches.flush(effects, self._learning_step.take(stage_time))
        batch.keys.records.flush(effects, {})
        batch.sites.flush(effects, self._sites_step.take(stage_time))
        self._freshness.report(stage_time, batch.outbox)
        batch.outbox.flush(effects)
        self.context.observer.on_stage_time(self.name, self.context.partition, stage_time)
        self.context.observer.on_rule_change(self.context.partition, len(self._rule_change))
        return effects

    def _due(self, state: InstallState) -> int:
        return install_due(state, self.context)
