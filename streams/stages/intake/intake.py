"""Intake: validates, pseudonymises and routes source events. It keeps no state.

Messages that cannot be read become dead letters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from attribution.matching.referrer import ReferrerReader
from attribution.postbacks.postback_check import PostbackCheck, PostbackRules
from schemas import topics
from schemas.clocks import ClockRules, CorrectedTime, corrected_time
from schemas.decode import Unreadable, decode
from schemas.events import DeviceEvent, InputEvent, type_name
from schemas.leniency import Leniency
from schemas.time import DAY_MS, LOG_TIME_MAX, EventMs, LogMs, Millis
from streams.stages.common.observer import StageObserver
from streams.stages.common.pseudonyms import Pseudonyms
from streams.stages.common.watermarks import ASKED, BroadcastStep, upstream
from streams.stages.contract import Effects, LogRecord, StateReader, is_tick
from streams.stages.intake.dropped_fields import dropped_field_rows, sample_weight
from streams.stages.intake.flood_breaker import FloodBreaker
from streams.stages.intake.routing import Routing, RoutingRules
from streams.stages.intake.signatures import SignatureRules, Signatures

_EPOCH = LogMs(0)
_NEVER = LogMs(2**53)
_INSTALLS = topics.INSTALLS.name
_SOURCE_INDEX = {topic.name: index for index, topic in enumerate(topics.SOURCES)}


@dataclass(frozen=True, slots=True)
class IntakeRules:
    """The rules of intake. Of each `dead_letter_window` offsets, a share may be copied as dead
    letters of one app."""

    pseudonym_secret: bytes
    earliest_event_time: EventMs
    dead_letter_share_max: float
    dead_letter_window: int
    signature_secrets: Mapping[str, bytes] = field(default_factory=dict)  # by media source
    placeholder_ids: tuple[
        str, ...
    ] = ()  # texts that are placeholders of ids, beside the known ones
    # Further parameters of Play referrers that carry a click id, by media source; "*": any source.
    referrer_parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    signature_age_ms_max: Millis = 2 * DAY_MS
    old_signatures_until: LogMs = _NEVER  # signatures of version 1 are valid before
    sdk_event_age_ms_max: Millis = ClockRules().sdk_event_age_ms_max
    is_probabilistic: bool = False  # whether probabilistic matching is switched on
    passes_watermarks: bool = True  # False: a replay writes them itself
    postbacks: PostbackRules = field(default_factory=PostbackRules)

    @property
    def clocks(self) -> ClockRules:
        """The bounds of event times."""
        return ClockRules(
            earliest_event_time=self.earliest_event_time,
            sdk_event_age_ms_max=self.sdk_event_age_ms_max,
        )


class Intake:
    """The intake stage of one partition. Order of calls: see `streams.stages.contract.Stage`."""

    name = "intake"

    def __init__(
        self, partition: int, partitions: int, rules: IntakeRules, observer: StageObserver
    ) -> None:
        self._partition = partition
        self._partitions = partitions
        self._asked = upstream(ASKED, partition)
        self._broadcast = BroadcastStep()
        self._rules = rules
        self._observer = observer
        self._clocks = rules.clocks
        self._leniency = Leniency(rules.placeholder_ids, self._on_dropped)
        self._unreadable_fields: list[str] = []  # of the event that was decoded last
        self._routing = RoutingRules(
            Pseudonyms(rules.pseudonym_secret),
            Signatures(
                SignatureRules(
                    rules.signature_secrets,
                    rules.signature_age_ms_max,
                    rules.old_signatures_until,
                )
            ),
            rules.is_probabilistic,
            PostbackCheck(rules.postbacks),
            ReferrerReader(rules.referrer_parameters, self._leniency.judge),
        )
        self._breaker = FloodBreaker(
            rules.dead_letter_share_max, rules.dead_letter_window, observer
        )

    def _on_dropped(self, app_id: str, field: str) -> None:
        self._observer.on_dropped(app_id, field)
        self._unreadable_fields.append(field)

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        """Intake has no state to rebuild from."""

    def snapshots_needed(self, records: Sequence[LogRecord]) -> Sequence[str]:
        return ()

    def decide(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        batch = Routing(self._partition, self._partitions, self._routing, self._observer)
        positions: dict[tuple[str, int], int] = {}
        watermarks: dict[str, LogMs] = {}
        is_awaited = False
        for record in records:
            topic, partition = record.topic, record.partition
            positions[topic, partition] = record.offset + 1
            name = upstream(topic, partition)
            logged_at = LogMs(record.timestamp)
            if watermarks.get(name, _EPOCH) < logged_at <= LOG_TIME_MAX:
                watermarks[name] = logged_at
            if is_tick(record):
                is_awaited = True
                continue
            source = (_SOURCE_INDEX[topic], partition, record.offset)
            event = decode(
                record.value, topic, logged_at, self._clocks.earliest_event_time, self._leniency
            )
            if isinstance(event, Unreadable):
                if flooding_app := self._breaker.flooding_app(record, event.reason):
                    batch.outbox.settle_flood(source, flooding_app, event.reason)
                else:
                    batch.set_aside(record, source, event)
                self._observer.on_dead_letter(topic, event.reason)
            else:
                if topic == _INSTALLS:
                    is_awaited = True
                    if logged_at > watermarks.get(self._asked, _EPOCH):
                        watermarks[self._asked] = logged_at
                clock = self._corrected(event, logged_at)
                batch.route(event, source, logged_at, record.value or b"", clock)
                if weight := sample_weight(record.offset):
                    for row in dropped_field_rows(event, record, weight, self._unreadable_fields):
                        batch.outbox.add(topics.DROPPED_FIELDS.name, event.app_id, row)
            self._unreadable_fields.clear()
        if not self._rules.passes_watermarks:
            return batch.effects(positions, {}, is_for_all=False)
        is_first = all(record.offset < len(records) for record in records)
        first = min(record.timestamp for record in records) if is_first else 0
        held, is_for_all = self._broadcast.take(watermarks, LogMs(first), is_awaited=is_awaited)
        return batch.effects(positions, held, is_for_all=is_for_all)

    def _corrected(self, event: InputEvent, logged_at: LogMs) -> CorrectedTime | None:
        if not isinstance(event, DeviceEvent):
            return None
        corrected = corrected_time(event, logged_at, self._clocks)
        if corrected is not None:
            self._observer.on_time_corrected(type_name(type(event)), event.source, corrected.reason)
        return corrected
