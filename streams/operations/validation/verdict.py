"""What Headwater would make of one message: its event, or a dead letter and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from schemas.decode import Defect, Unreadable, decode
from schemas.events import TOPIC_OF_TYPE, TYPES, TYPES_BY_TOPIC, InputEvent, type_name
from schemas.leniency import Leniency
from schemas.topics import SOURCES
from streams.operations.validation.advice.amended_event import AmendedEvent, amended_event
from streams.operations.validation.advice.cautions import cautions
from streams.operations.validation.advice.check_advice import check_amended
from streams.operations.validation.input.malformed_text import read_leniently

SUGGESTION_BYTES_MAX = 4_000
"""Longest mended event that is printed: a longer one was not written by hand."""


class EventVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """One message. `reason` and `detail` are those of its dead letter, and empty when it is ok."""

    line: int
    type: str = ""
    topic: str = ""
    """Where an event of this type belongs; where it was found, if its type is unknown."""
    ok: bool
    reason: str = ""
    detail: str = ""
    advice: str = ""
    event_id: str = ""
    app_id: str = ""
    warnings: tuple[str, ...] = ()
    suggestion: dict[str, Any] | None = None
    """The event as it was probably meant; values in angle brackets are for the producer to fill."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """One message as it was found. An empty topic: that of its type."""

    line: int
    value: bytes | None
    topic: str
    logged_at: int
    fault: str = ""  # why it is no message at all


class Judge:
    """Judges messages as intake will. `placeholders` are the SRE's own placeholder ids."""

    def __init__(self, earliest_event_time: int, placeholders: Iterable[str] = ()) -> None:
        self._dropped: list[str] = []
        self._leniency = Leniency(placeholders, lambda app, name: self._dropped.append(name))
        self._earliest = earliest_event_time

    def judge(self, submitted: Submitted) -> tuple[EventVerdict, InputEvent | None]:
        """The verdict, and the event when there is one."""
        if submitted.fault:
            return _no_message(submitted), None
        fields = _fields(submitted.value)
        topic = submitted.topic or _topic_of(fields)
        if submitted.topic and submitted.topic not in TYPES_BY_TOPIC:
            return self._foreign_topic(submitted, fields), None
        self._dropped.clear()
        found = self._decode(submitted.value, topic or SOURCES[0].name, submitted.logged_at)
        if isinstance(found, Unreadable):
            return self._refused(submitted, found, fields), None
        warnings = [*self._left_out(fields, found), *cautions(found, submitted.logged_at)]
        verdict = EventVerdict(
            line=submitted.line,
            type=type_name(type(found)),
            topic=topic,
            ok=True,
            event_id=found.event_id,
            app_id=found.app_id,
            warnings=tuple(warnings),
        )
        return verdict, found

    def _decode(self, raw: bytes | None, topic: str, logged_at: int) -> InputEvent | Unreadable:
        return decode(raw, topic, logged_at, self._earliest, self._leniency)

    def _left_out(self, fields: Mapping[str, Any], event: InputEvent) -> list[str]:
        """Placeholder ids and attributes that were dropped, and fields that nothing knows."""
        dropped = list(dict.fromkeys(self._dropped))
        mended = amended_event(fields, "")
        warnings = list(mended.warnings)
        named = " ".join(warnings)
        for name in dropped:
            value = fields.get(name.partition(".")[0])
            if isinstance(value, str) and getattr(event, name.partition(".")[0], 0) is None:
                if f"{name} " not in named:
                    warnings.append(f"{name} {value[:64]!r} is a placeholder: taken as absent")
            elif f"{name} " not in named:
                warnings.append(f"{name} is left out: it cannot be read")
        # A field that would be called otherwise is ignored as it is.
        warnings += [
            f"{advice}: as it is, it is ignored"
            for advice in mended.advice
            if advice.startswith(("rename ", "instead of "))
        ]
        return warnings

    def _refused(
        self, submitted: Submitted, found: Unreadable, fields: Mapping[str, Any]
    ) -> EventVerdict:
        text_faults: list[str] = []
        if not fields and submitted.value:
            reading = read_leniently(submitted.value)
            fields, text_faults = reading.fields or {}, reading.faults
        mended = AmendedEvent({})
        if fields:
            mended = amended_event(fields, submitted.topic)
            check_amended(
                mended, self._decode, submitted.topic, submitted.logged_at, self._earliest
            )
        advice = [
            *(fault.replace("; ", ", ") for fault in text_faults),
            *_of_reason(found, submitted),
            *mended.advice,
        ]
        if not advice:
            advice = [
                "an event has at least type, schema_version, event_id, app_id and event_time"
                if found.reason is Defect.MISSING_FIELD
                else found.detail
            ]
        event_type = mended.event_type
        topic = TOPIC_OF_TYPE[event_type] if event_type else submitted.topic
        return EventVerdict(
            line=submitted.line,
            type=type_name(event_type) if event_type else _written(fields, "type"),
            topic=topic,
            ok=False,
            reason=found.reason.value,
            detail=found.detail,
            advice="; ".join(advice),
            event_id=_written(fields, "event_id"),
            app_id=_written(fields, "app_id"),
            warnings=tuple(mended.warnings),
            suggestion=_suggestion(mended, event_type),
        )

    def _foreign_topic(self, submitted: Submitted, fields: Mapping[str, Any]) -> EventVerdict:
        """A record of a topic that Headwater does not read."""
        mended = amended_event(fields, "") if fields else AmendedEvent({})
        event_type = mended.event_type
        where = f"publish it to {TOPIC_OF_TYPE[event_type]}" if event_type else ""
        known = ", ".join(topic.name for topic in SOURCES)
        advice = [where or f"publish it to one of {known}"]
        for topic in SOURCES:
            if submitted.topic.endswith(topic.name):
                prefix = submitted.topic.removesuffix(topic.name)
                advice.append(f"or set HEADWATER_TOPIC_PREFIX={prefix}, if that is your prefix")
        return EventVerdict(
            line=submitted.line,
            type=type_name(event_type) if event_type else _written(fields, "type"),
            topic=TOPIC_OF_TYPE[event_type] if event_type else submitted.topic,
            ok=False,
            reason=Defect.WRONG_TOPIC.value,
            detail=f"topic {submitted.topic!r} is read by nothing",
            advice="; ".join([*advice, *mended.advice]),
            event_id=_written(fields, "event_id"),
            app_id=_written(fields, "app_id"),
            suggestion=_suggestion(mended, event_type),
        )


def _no_message(submitted: Submitted) -> EventVerdict:
    return EventVerdict(
        line=submitted.line,
        topic=submitted.topic,
        ok=False,
        reason=Defect.MALFORMED_JSON.value,
        detail=submitted.fault[:200],
        advice=submitted.fault,
    )


def _of_reason(found: Unreadable, submitted: Submitted) -> list[str]:
    """Advice for what is wrong with a message as a whole."""
    match found.reason:
        case Defect.EMPTY:
            return ["a message without value, as compaction reads it, is no event: leave it out"]
        case Defect.TOO_LARGE:
            return [f"{found.detail}: publish less, such as no screenshots and no logs"]
        case Defect.DUPLICATE_KEY:
            return [f"{found.detail}: name each field once"]
        case Defect.WRONG_TOPIC:
            kind = found.detail.partition("'")[2].partition("'")[0]
            right = TYPES.get((kind, 1))
            return [f"publish a {kind} to {TOPIC_OF_TYPE[right]}"] if right else []
        case Defect.NULL_BYTE:
            return ["leave out characters U+0000: some languages end their texts with one"]
        case Defect.MALFORMED_JSON if "nested" in found.detail:
            return [f"{found.detail}: an event is flat"]
    return []


def _fields(raw: bytes | None) -> dict[str, Any]:
    try:
        value = orjson.loads(raw or b"")
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _topic_of(fields: Mapping[str, Any]) -> str:
    written = fields.get("type")
    event_type = TYPES.get((written, 1)) if isinstance(written, str) else None
    return TOPIC_OF_TYPE[event_type] if event_type else ""


def _written(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value[:256] if isinstance(value, str) else ""


def _suggestion(mended: AmendedEvent, event_type: type[InputEvent] | None) -> dict[str, Any] | None:
    if event_type is None or not mended.fields:
        return None
    first = ("type", "schema_version", "event_id", "app_id", "event_time")
    ordered = {name: mended.fields[name] for name in first if name in mended.fields}
    ordered |= {name: value for name, value in mended.fields.items() if value is not None}
    try:
        size = len(orjson.dumps(ordered))
    except orjson.JSONEncodeError:
        return None
    return ordered if size <= SUGGESTION_BYTES_MAX else None
