"""The messages in a file: events in any layout, or a dump of topics as kcat prints it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from streams.kafka.kcat import KcatRecord, UnreadableLineError, read_line
from streams.operations.validation.input.input_bytes import input_lines
from streams.operations.validation.input.json_pieces import PIECE_BYTES_MAX, JsonPieces, Piece
from streams.operations.validation.verdict import Submitted
from streams.stages.contract import CLOCK_KEY

Submission = tuple[Submitted, KcatRecord]
"""What is judged, and the record that it is or would be published as."""


class Submissions:
    """The messages of one file, or of standard input for `-`.

    `topic` is where plain events go; empty: to the topic of their type. `now` is the log time of
    what carries none. `notes` says what had to be converted.
    """

    def __init__(self, name: str, *, topic: str, topic_prefix: str, now: int) -> None:
        self._name = name
        self._topic = topic.removeprefix(topic_prefix)
        self._prefix = topic_prefix
        self._now = now
        self.notes: list[str] = []

    def __iter__(self) -> Iterator[Submission]:
        pieces = JsonPieces()
        for piece in pieces.feed(input_lines(self._name, self.notes)):
            yield from self._of_piece(piece)
        for piece in pieces.end():
            yield from self._of_piece(piece)

    def _of_piece(self, piece: Piece) -> Iterator[Submission]:
        if piece.length > PIECE_BYTES_MAX:
            yield self._fault(piece, f"{piece.length} bytes without an end: no event is so long")
            return
        if b'"topic"' not in piece.raw:
            yield self._plain(piece)
            return
        fields = _loaded(piece.raw)
        if fields is not None and not _is_record(fields):
            yield self._plain(piece)
            return
        try:
            record = read_line(_as_kcat(piece.raw, fields), "line")
        except UnreadableLineError as error:
            is_dump = b'"payload"' in piece.raw
            fault = str(error).removeprefix("line: ")
            yield self._fault(piece, fault) if is_dump else self._plain(piece)
            return
        if record.key == CLOCK_KEY and not record.value:
            return
        topic = record.topic.removeprefix(self._prefix)
        logged_at = self._now if record.timestamp_ms is None else record.timestamp_ms
        yield Submitted(piece.line, record.value, topic, logged_at), record._replace(topic=topic)

    def _plain(self, piece: Piece) -> Submission:
        record = KcatRecord(self._topic, None, None, None, piece.key, piece.raw)
        return Submitted(piece.line, piece.raw, self._topic, self._now), record

    def _fault(self, piece: Piece, fault: str) -> Submission:
        record = KcatRecord(self._topic, None, None, None, None, piece.raw)
        return Submitted(piece.line, piece.raw, self._topic, self._now, fault), record


def _loaded(raw: bytes) -> dict[str, Any] | None:
    try:
        fields = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return fields if isinstance(fields, dict) else None


def _is_record(fields: dict[str, Any]) -> bool:
    """Whether an object is a record of a dump: as kcat prints it, or as rpk does."""
    if not isinstance(fields.get("topic"), str):
        return False
    return bool({"payload", "payload_base64", "value"} & fields.keys()) and "type" not in fields


def _as_kcat(raw: bytes, fields: dict[str, Any] | None) -> bytes:
    """The record of a dump with the names that kcat gives; rpk calls the payload `value`."""
    if fields is None or "value" not in fields or "payload" in fields:
        return raw
    renamed = {"value": "payload", "timestamp": "ts"}
    return orjson.dumps({renamed.get(name, name): value for name, value in fields.items()})
