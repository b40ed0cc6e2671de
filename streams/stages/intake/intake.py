"""Intake: validates, pseudonymises and routes source events. It keeps no state.

Messages that cannot be read become dead letters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from msgspec import MsgspecError, Struct, json

from attribution.matching.referrer import ReferrerReader
from attribution.postbacks.postback_check import PostbackCheck, PostbackRules
from attribution.rules.rules import Rules
from schemas import topics
from schemas.clocks import ClockRules, CorrectedTime, corrected_time
from schemas.decode import Unreadable, decode
from schemas.events import DeviceEvent, InputEvent, type_name
from schemas.leniency import Leniency
from schemas.records import Source, place_in_log
from schemas.time import DAY_MS, LOG_TIME_MAX, EventMs, LogMs, Millis
from streams.stages.common.observer import StageObserver
from streams.stages.common.pseudonyms import AnonymousIds, FormerPseudonyms, Pseudonyms
from streams.stages.common.watermarks import ASKED, BroadcastStep, upstream
from streams.stages.contract import Effects, LogRecord, StateReader, is_tick, positions_after
from streams.stages.intake.dropped_fields import dropped_field_rows, sample_weight
from streams.stages.intake.flood_breaker import FloodBreaker
from streams.stages.intake.routing import Routing, RoutingRules
from streams.stages.intake.signatures import SignatureRules, Signatures
from streams.stages.separate.quarantine import Quarantine, QuarantineSubject, is_poison

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
    has_normal_ids: bool = True  # whether ids are compared in one form, see `schemas.ids`
    is_probabilistic: bool = False  # whether probabilistic matching is switched on
    passes_watermarks: bool = True  # False: a replay writes them itself
    postbacks: PostbackRules = field(default_factory=PostbackRules)
    former_secret: bytes = b""  # of pseudonyms; empty: there was none
    former_until: LogMs = _EPOCH  # log time from which it is used no longer

    @property
    def former(self) -> FormerPseudonyms | None:
        """Pseudonyms of the secret before the one in force; None: there was none."""
        if not self.former_secret:
            return None
        return FormerPseudonyms(Pseudonyms(self.former_secret), self.former_until)

    @property
    def erased_names(self) -> tuple[AnonymousIds, ...]:
        """By which erased installs are known: of the secret in force, and of the one before."""
        secrets = self.pseudonym_secret, self.former_secret
        return tuple(AnonymousIds(secret) for secret in secrets if secret)

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
        self,
        partition: int,
        partitions: int,
        rules: IntakeRules,
        observer: StageObserver,
        attribution: Rules | None = None,
    ) -> None:
        self.source_logs: Mapping[str, int] = {}
        self._partition = partition
        self._partitions = partitions
        self._asked = upstream(ASKED, partition)
        self._broadcast = BroadcastStep()
        self._passed: tuple[dict[str, LogMs], bool] | None = None  # with the batch
        self._rules = rules
        self._observer = observer
        self._clocks = rules.clocks
        self._leniency = Leniency(
            rules.placeholder_ids, self._on_dropped, has_normal_ids=rules.has_normal_ids
        )
        self._unreadable_fields: list[str] = []  # of the event that was decoded last
        self._floods: dict[Source, str] = {}  # what the breaker says of messages of one batch
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
            rules.former,
            attribution or Rules(),
        )
        self._breaker = FloodBreaker(
            rules.dead_letter_share_max, rules.dead_letter_window, observer
        )

    def _on_dropped(self, app_id: str, field: str) -> None:
        self._observer.on_dropped(app_id, field)
        self._unreadable_fields.append(field)

    def source_of(self, record: LogRecord) -> Source:
        """See `NamesSources`."""
        topic = record.topic
        place = place_in_log(self.source_logs.get(topic, 0), record.offset)
        return _SOURCE_INDEX[topic], record.partition, place

    def _subject(self, record: LogRecord) -> QuarantineSubject:
        return _event_subject(record, self.source_of(record))

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        """Intake has no state to rebuild from."""

    def snapshots_needed(self, records: Sequence[LogRecord]) -> Sequence[str]:
        return ()

    def decide(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        batch, marks = self._batch(self._observer), _Marks()
        self._passed = None
        try:
            for record in records:
                self._take(record, batch, marks)
            effects = self._effects(batch, records, marks)
        except Exception as error:
            if not is_poison(error):
                raise
            effects = self._decide_apart(records)
        self._floods.clear()
        return effects

    def _decide_apart(self, records: Sequence[LogRecord]) -> Effects:
        """Decide record by record: one that raises is set aside. Each is tried alone first, which
        shows all that it could raise, because no state joins them."""
        batch, marks = self._batch(self._observer), _Marks()
        quarantine = Quarantine(self.name, batch.outbox, self._observer)

        def tried(record: LogRecord) -> None:
            trial = self._batch(StageObserver())
            self._take(record, trial, _Marks())
            trial.effects({}, {}, is_for_all=False)

        for record in records:
            quarantine.at(record)
            if quarantine.attempt(partial(tried, record), partial(self._subject, record)):
                self._unreadable_fields.clear()
                self._take(record, batch, marks)
            else:
                self._mark_time(record, marks.watermarks)
            self._unreadable_fields.clear()
        return self._effects(batch, records, marks)

    def _batch(self, observer: StageObserver) -> Routing:
        return Routing(self._partition, self._partitions, self._routing, observer)

    def _effects(self, batch: Routing, records: Sequence[LogRecord], marks: _Marks) -> Effects:
        positions = positions_after(records)
        if not self._rules.passes_watermarks:
            return batch.effects(positions, {}, is_for_all=False)
        if self._passed is None:  # Once for a batch, also where it is decided again.
            is_first = all(record.offset < len(records) for record in records)
            first = LogMs(min(record.timestamp for record in records) if is_first else 0)
            self._passed = self._broadcast.take(
                marks.watermarks, first, is_awaited=marks.is_awaited
            )
        held, is_for_all = self._passed
        return batch.effects(positions, held, is_for_all=is_for_all)

    def _mark_time(self, record: LogRecord, watermarks: dict[str, LogMs]) -> None:
        name, logged_at = upstream(record.topic, record.partition), LogMs(record.timestamp)
        if watermarks.get(name, _EPOCH) < logged_at <= LOG_TIME_MAX:
            watermarks[name] = logged_at

    def _take(self, record: LogRecord, batch: Routing, marks: _Marks) -> None:
        self._mark_time(record, marks.watermarks)
        if is_tick(record):
            marks.is_awaited = True
            return
        topic, logged_at = record.topic, LogMs(record.timestamp)
        source = self.source_of(record)
        event = decode(
            record.value, topic, logged_at, self._clocks.earliest_event_time, self._leniency
        )
        if isinstance(event, Unreadable):
            if flooding_app := self._flooding_app(record, source, event):
                batch.outbox.settle_flood(source, flooding_app, event.reason)
            else:
                batch.set_aside(record, source, event)
            self._observer.on_dead_letter(topic, event.reason)
        else:
            if topic == _INSTALLS:
                marks.is_awaited = True
                if logged_at > marks.watermarks.get(self._asked, _EPOCH):
                    marks.watermarks[self._asked] = logged_at
            clock = self._corrected(event, logged_at)
            batch.route(event, source, logged_at, record.value or b"", clock)
            if weight := sample_weight(record.offset):
                dropped = self._unreadable_fields
                for row in dropped_field_rows(event, record, source, weight, dropped):
                    batch.outbox.add(topics.DROPPED_FIELDS.name, event.app_id, row)
        self._unreadable_fields.clear()

    def _flooding_app(self, record: LogRecord, source: Source, event: Unreadable) -> str:
        """The app whose flood a message belongs to. A batch that is decided again asks again, and
        the breaker counts each message once."""
        app = self._floods.get(source)
        if app is None:
            app = self._floods[source] = self._breaker.flooding_app(record, event.reason)
        return app

    def _corrected(self, event: InputEvent, logged_at: LogMs) -> CorrectedTime | None:
        if not isinstance(event, DeviceEvent):
            return None
        corrected = corrected_time(event, logged_at, self._clocks)
        if corrected is not None:
            self._observer.on_time_corrected(type_name(type(event)), event.source, corrected.reason)
        return corrected


@dataclass(slots=True)
class _Marks:
    """The log times that a batch passes on, and whether somebody waits for them."""

    watermarks: dict[str, LogMs] = field(default_factory=dict)
    is_awaited: bool = False


class _Named(Struct):
    app_id: str = ""
    install_id: str = ""


_names = json.Decoder(_Named)


def _event_subject(record: LogRecord, source: Source) -> QuarantineSubject:
    try:
        named = _names.decode(record.value or b"{}")
    except (MsgspecError, RecursionError, UnicodeDecodeError):
        named = _Named()
    return QuarantineSubject(
        kind="event",
        place="",
        state_key="",
        payload=record.value or b"",
        app_id=named.app_id,
        install_id=named.install_id,
        source=source,
        message_key=record.key or b"",
    )
