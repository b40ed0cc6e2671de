"""Events are found in whatever encoding and layout people have them."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import Stop
from streams.kafka.kcat import KcatRecord
from streams.operations.validation import Judge, Submissions, Submitted
from streams.operations.validation.input.json_pieces import PIECE_BYTES_MAX, JsonPieces

NOW = 1_790_000_600_000


def session(number: int) -> dict[str, Any]:
    return {
        "type": "session",
        "schema_version": 1,
        "event_id": f"e-{number}",
        "app_id": "com.studio.game",
        "event_time": 1_790_000_000_000,
        "install_id": "i-1",
        "session_id": f"s-{number} Müller {{[",
    }


EVENTS = [session(number) for number in range(3)]
LINES = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in EVENTS)


def found(content: bytes, folder: Path, topic: str = "") -> list[tuple[Submitted, KcatRecord]]:
    file = folder / "events"
    file.write_bytes(content)
    return list(Submissions(str(file), topic=topic, topic_prefix="prod.", now=NOW))


def values(content: bytes, folder: Path) -> list[dict[str, Any]]:
    return [json.loads(one.value or b"") for one, _ in found(content, folder)]


@pytest.mark.parametrize(
    "content",
    [
        LINES.encode(),
        LINES.rstrip("\n").encode(),
        LINES.replace("\n", "\r\n").encode(),
        LINES.replace("\n", "\n\n  \n").encode(),
        LINES.encode("utf-8-sig"),
        LINES.encode("utf-16"),
        LINES.encode("utf-16-le"),
        LINES.encode("utf-16-be"),
        gzip.compress(LINES.encode(), mtime=0),
        bz2.compress(LINES.encode()),
        lzma.compress(LINES.encode()),
        gzip.compress(LINES.encode("utf-8-sig"), mtime=0),
        json.dumps(EVENTS).encode(),
        json.dumps(EVENTS, indent=2).encode(),
        json.dumps(EVENTS, indent=0).encode(),
        "\n".join(json.dumps(event, indent=4) for event in EVENTS).encode(),
        "".join(json.dumps(event) for event in EVENTS).encode(),
        ",\n".join(json.dumps(event) for event in EVENTS).encode(),
        "".join(f"\x1e{json.dumps(event)}\n" for event in EVENTS).encode(),
        "".join(f"i-1\t{json.dumps(event)}\n" for event in EVENTS).encode(),
    ],
    ids=lambda content: repr(content[:12]),
)
def test_every_layout_holds_the_same_events(content: bytes, tmp_path: Path) -> None:
    assert values(content, tmp_path) == EVENTS


def test_a_key_before_a_tab_is_the_key_of_the_message(tmp_path: Path) -> None:
    content = f"i-1\t{json.dumps(EVENTS[0])}\nCreateTime:7\ti-2\t{json.dumps(EVENTS[1])}\n"
    assert [record.key for _, record in found(content.encode(), tmp_path)] == [b"i-1", b"i-2"]


@pytest.mark.parametrize(
    "broken",
    ['{"type": "session", "event_id": "e', '{"type": "session",', "{'a': 1}", "hello"],
)
def test_a_broken_line_costs_only_itself(broken: str, tmp_path: Path) -> None:
    content = f"{json.dumps(EVENTS[0])}\n{broken}\n{json.dumps(EVENTS[1])}\n"

    submitted = [one for one, _ in found(content.encode(), tmp_path)]

    assert [one.line for one in submitted] == [1, 2, 3]
    assert submitted[1].value == broken.encode()
    assert json.loads(submitted[2].value or b"") == EVENTS[1]


def test_a_dump_gives_topic_time_key_and_exact_bytes(tmp_path: Path) -> None:
    payload = json.dumps(EVENTS[0])
    rows: list[dict[str, Any]] = [
        {"topic": "prod.activity", "partition": 2, "offset": 5, "ts": 7, "key": 42,
         "headers": ["trace", "1"], "payload": payload},
        {"topic": "prod.activity", "ts": 8, "key": None,
         "payload_base64": base64.b64encode(b"\xff\x00").decode()},
        {"topic": "prod.activity", "timestamp": 9, "value": payload},
        {"topic": "prod.activity", "ts": 10, "key": "i-1", "payload": None},
    ]  # fmt: skip
    content = "\n".join(map(json.dumps, rows)).encode()
    content += b'\n{"topic":"prod.activity","ts":11,"key":null,"payload":"\xff\xfe"}\n'

    submitted = found(content, tmp_path)

    assert [(one.topic, one.logged_at, one.value) for one, _ in submitted] == [
        ("activity", 7, payload.encode()),
        ("activity", 8, b"\xff\x00"),
        ("activity", 9, payload.encode()),
        ("activity", 10, None),
        ("activity", 11, b"\xff\xfe"),
    ]
    assert submitted[0][1].key == b"42"
    assert submitted[0][1].partition == 2


def test_a_line_of_a_dump_that_is_cut_off_is_a_fault(tmp_path: Path) -> None:
    ((submitted, _),) = found(b'{"topic":"payments","ts":1,"payload":"{\\"ty\n', tmp_path)
    verdict, _ = Judge(0).judge(submitted)
    assert (verdict.ok, verdict.reason) == (False, "malformed_json")


def test_an_event_may_have_a_field_called_topic(tmp_path: Path) -> None:
    ((submitted, _),) = found(json.dumps({**EVENTS[0], "topic": "x"}).encode(), tmp_path)
    verdict, _ = Judge(0).judge(submitted)
    assert verdict.ok
    assert any('"topic" is no field' in warning for warning in verdict.warnings)


def test_text_that_never_ends_is_not_kept(tmp_path: Path) -> None:
    content = b'{"a": "' + b"x" * (PIECE_BYTES_MAX + 10) + b"\n" + LINES.encode()
    first, *others = [one for one, _ in found(content, tmp_path)]
    assert "no event is so long" in first.fault
    assert [json.loads(one.value or b"") for one in others] == EVENTS


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"\xef\xbb\xbf", b"[]", gzip.compress(b"", mtime=0)]
)
def test_an_empty_file_has_no_events(content: bytes, tmp_path: Path) -> None:
    assert found(content, tmp_path) == []


@pytest.mark.parametrize(
    ("content", "advice"),
    [(b"PK\x03\x04...", "unpack"), (b"\x28\xb5\x2f\xfd..", "zstd -dc"), (b"PAR1....", "Parquet")],
)
def test_a_container_that_is_not_read_says_what_to_do(
    content: bytes, advice: str, tmp_path: Path
) -> None:
    with pytest.raises(Stop, match=advice):
        found(content, tmp_path)


def test_a_damaged_archive_and_a_missing_file_stop(tmp_path: Path) -> None:
    with pytest.raises(Stop, match="damaged or cut off"):
        found(gzip.compress(LINES.encode(), mtime=0)[:-12], tmp_path)
    with pytest.raises(Stop, match="cannot be read"):
        list(Submissions(str(tmp_path / "gone"), topic="", topic_prefix="", now=NOW))


def test_standard_input_is_read_like_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BufferedReader(io.BytesIO(LINES.encode())))
    monkeypatch.setattr(sys, "stdin", stream)
    source = Submissions("-", topic="", topic_prefix="", now=NOW)
    assert [json.loads(one.value or b"") for one, _ in source] == EVENTS


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text()))))
def test_objects_come_out_as_they_went_in(objects: list[dict[str, Any]]) -> None:
    for text in ("\n".join(map(json.dumps, objects)), json.dumps(objects, indent=1)):
        pieces = JsonPieces()
        lines = iter(io.BytesIO(text.encode()).readline, b"")
        raw = [piece.raw for piece in (*pieces.feed(lines), *pieces.end())]
        assert [json.loads(one) for one in raw] == objects


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_whatever_the_bytes_are_nothing_is_lost_and_nothing_raises(a: bytes, b: bytes) -> None:
    pieces = JsonPieces()
    raw = [piece.raw for piece in (*pieces.feed([a, b]), *pieces.end())]
    judge = Judge(0)
    for one in raw:
        verdict, event = judge.judge(Submitted(1, one, "", NOW))
        assert verdict.ok == (event is not None)
    kept = sum(len(one) for one in raw)
    assert kept <= len(a) + len(b)
