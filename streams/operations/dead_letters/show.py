"""One dead letter, quarantined record or message of a flood, with all that is known of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from streams.errors import Stop
from streams.operations.dead_letters.chosen import (
    DROPPED_NOTE,
    QUARANTINED_REASON,
    Chosen,
    StoredMessage,
)
from streams.operations.dead_letters.only_in_log import (
    GoneBytes,
    LogPlace,
    messages_at,
    places_of,
)
from streams.operations.validation.verdict import Judge, Submitted
from streams.settings import Settings
from streams.store.base import SqlValue, Store
from streams.wiring.store import stored

LETTERS_SHOWN_MAX = 20
"""Rows that one name may stand for, such as a position in several log epochs."""

_PLACE = re.compile(r"([A-Za-z0-9._-]+)[/:](\d{1,18})[/:](\d{1,18})")
_AT = "{topic} != '' AND source_topic = {topic} AND source_partition = {partition}"
_AT_SOURCE = f"({_AT} AND source_offset = {{offset}})"
_AT_LOG = f"({_AT} AND source_offset = {{offset}})".replace("source_", "log_topic_").replace(
    "log_topic_topic", "log_topic"
)
_EVENT = "JSONExtractString(base64Decode(payload), 'event_id') = {id}"
_ROWS = f"""
SELECT '' AS quarantine_id, reason, detail, payload, key, source_topic AS topic,
    source_partition AS partition, source_offset AS offset, received_at,
    toUnixTimestamp64Milli(received_at) AS received_ms, log_epoch, '' AS kind, '' AS stage,
    '' AS error, JSONExtractString(base64Decode(payload), 'app_id') AS app_id, '' AS install_id,
    '' AS state_key, log_partition, log_offset
FROM dead_letters WHERE {_AT_SOURCE} OR {_EVENT}
UNION ALL SELECT quarantine_id, '{QUARANTINED_REASON}', detail, payload, message_key,
    if(source_topic = '', log_topic, source_topic),
    if(source_topic = '', log_topic_partition, source_partition),
    if(source_topic = '', log_topic_offset, source_offset), received_at,
    toUnixTimestamp64Milli(received_at), log_epoch, kind, stage, error, app_id, install_id,
    state_key, log_partition, log_offset
FROM quarantined WHERE quarantine_id = {{id}} OR {_AT_SOURCE} OR {_AT_LOG} OR {_EVENT}
"""


class SetAside(msgspec.Struct, frozen=True, kw_only=True):
    """What was set aside. The last seven fields are those of quarantined records only."""

    topic: str
    partition: int
    offset: int
    received_at: str
    log_epoch: str
    reason: str
    detail: str
    """What is wrong with it; of a quarantined record where it was raised, innermost last."""
    advice: str
    is_dropped: bool
    key: bytes
    value: bytes
    app_id: str
    quarantine_id: str
    kind: str
    stage: str
    error: str
    install_id: str
    state_key: str

    @property
    def is_quarantined(self) -> bool:
        return self.reason == QUARANTINED_REASON

    def as_json(self) -> dict[str, Any]:
        """Bytes are `text` where they are UTF-8, and `hex` otherwise."""
        fields = {
            name: getattr(self, name)
            for name in self.__struct_fields__
            if name not in ("key", "value", "is_dropped")
        }
        return fields | {
            "dropped": self.is_dropped,
            "bytes": len(self.value),
            **_as_text("text", "hex", self.value),
            **_as_text("key", "key_hex", self.key),
        }


def letters_named(settings: Settings, name: str) -> list[SetAside]:
    """What is set aside under a quarantine id, an event id, or a TOPIC/PARTITION/OFFSET."""
    place = _PLACE.fullmatch(name)
    params: dict[str, SqlValue] = {
        "id": f"{place[1]}:{place[2]}:{place[3]}" if place else name,
        "topic": place[1] if place else "",
        "partition": int(place[2]) if place else -1,
        "offset": int(place[3]) if place else -1,
    }
    judge = Judge(settings.rules.earliest_event_time, settings.rules.placeholder_ids or ())
    with stored(settings) as store:
        found = [_set_aside(row, judge) for row in _rows(store, params)]
        if found or not place:
            return found
        return _of_flood(settings, places_of(store, Chosen(topic=place[1]), at=_at(place)), judge)


def _at(place: re.Match[str]) -> tuple[str, int, int]:
    return place[1], int(place[2]), int(place[3])


def _of_flood(settings: Settings, places: Iterator[LogPlace], judge: Judge) -> list[SetAside]:
    """A message that was counted without a copy, from its topic. Stop: that has it no more."""
    gone = GoneBytes()
    found = [
        _set_aside(_flood_row(place, message), judge)
        for place, message in messages_at(settings, places, gone)
    ]
    if gone.counts:
        raise Stop(gone.line())
    return found


def _flood_row(place: LogPlace, message: StoredMessage) -> dict[str, Any]:
    received = datetime.fromtimestamp(message.timestamp_ms / 1000, UTC).replace(tzinfo=None)
    texts = ("quarantine_id", "kind", "stage", "error", "install_id", "state_key", "log_epoch")
    return dict.fromkeys(texts, "") | {
        **place._asdict(),
        "received_at": received.isoformat(" ", "milliseconds"),
        "received_ms": message.timestamp_ms,
        "detail": f"counted in a flood of app {place.app}; these bytes are those of its topic",
        "app_id": place.app,
        "payload": base64.b64encode(message.value),
        "key": base64.b64encode(message.key or b""),
    }


def _rows(store: Store, params: dict[str, SqlValue]) -> list[dict[str, Any]]:
    answer = store.query(
        f"SELECT * FROM ({_ROWS}) ORDER BY received_ms, topic, partition, offset, quarantine_id,"
        f" log_partition, log_offset LIMIT 1 BY log_epoch, quarantine_id, topic, partition, offset"
        f" LIMIT {LETTERS_SHOWN_MAX}",
        params,
    )
    return [dict(zip(answer.names, row, strict=True)) for row in answer.rows]


def _set_aside(row: dict[str, Any], judge: Judge) -> SetAside:
    value = base64.b64decode(row["payload"])
    is_dropped = not value and row["detail"].endswith(DROPPED_NOTE)
    return SetAside(
        topic=row["topic"],
        partition=int(row["partition"]),
        offset=int(row["offset"]),
        received_at=row["received_at"],
        log_epoch=row["log_epoch"],
        reason=row["reason"],
        detail=row["detail"],
        advice=_advice(row, value, judge, is_dropped=is_dropped),
        is_dropped=is_dropped,
        key=base64.b64decode(row["key"]),
        value=value,
        app_id=row["app_id"],
        quarantine_id=row["quarantine_id"],
        kind=row["kind"],
        stage=row["stage"],
        error=row["error"],
        install_id=row["install_id"],
        state_key=row["state_key"],
    )


def _advice(row: dict[str, Any], value: bytes, judge: Judge, *, is_dropped: bool) -> str:
    if is_dropped:
        return "its bytes were dropped; the source topic has them until its retention ends"
    if row["reason"] == QUARANTINED_REASON:
        report = "report the error and where it was raised: a bug, or a damaged state"
        again = "; after an update, `headwater dead-letters replay --reason quarantined` reads it"
        return report + again * bool(row["kind"] == "event")
    submitted = Submitted(0, value, row["topic"], int(row["received_ms"]))
    verdict, event = judge.judge(submitted)
    if event is not None:
        return "it can be read now: `headwater dead-letters replay` publishes it again"
    return verdict.advice


def _as_text(text_name: str, hex_name: str, raw: bytes) -> dict[str, str]:
    try:
        return {text_name: raw.decode()}
    except UnicodeDecodeError:
        return {hex_name: raw.hex()}
