"""JSON lines as kcat prints them, read and written without losing a byte."""

from __future__ import annotations

import io
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.kcat import (
    KcatRecord,
    UnreadableLineError,
    read_line,
    read_records,
    record_line,
    salvage_line,
)
from streams.kafka.kcat import write_records as write

NUMBERS = st.none() | st.integers(0, 2**53)
BYTES = st.none() | st.binary(max_size=40)


def line(text: str) -> KcatRecord:
    return read_line(text.encode(), "dump.jsonl:1")


RECORDS = st.builds(
    KcatRecord, st.text(min_size=1, max_size=20), NUMBERS, NUMBERS, NUMBERS, BYTES, BYTES
)


@given(RECORDS)
def test_what_is_written_is_what_is_read(record: KcatRecord) -> None:
    written = record_line(record)
    assert written.count(b"\n") == 1
    assert read_line(written, "") == record


def test_a_line_of_kcat_itself_is_read() -> None:
    record = line(
        '{"topic":"installs","partition":3,"offset":17,"tstype":"create","ts":1767225600000,'
        '"broker":1,"key":"i1","payload":"{\\"type\\":\\"install\\"}"}'
    )
    assert record == KcatRecord("installs", 3, 17, 1_767_225_600_000, b"i1", b'{"type":"install"}')


def test_topic_and_payload_are_enough() -> None:
    assert line('{"topic":"t","payload":"x"}') == KcatRecord("t", None, None, None, None, b"x")


def test_a_null_payload_is_not_an_empty_one() -> None:
    assert line('{"topic":"t","payload":null}').value is None
    assert line('{"topic":"t","payload":""}').value == b""


def test_a_payload_left_as_an_object_is_the_json_text_of_it() -> None:
    assert line('{"topic":"t","payload":{"a":1}}').value == b'{"a":1}'


def test_a_timestamp_the_broker_does_not_have_is_none() -> None:
    assert line('{"topic":"t","ts":-1,"payload":"x"}').timestamp_ms is None


def test_bytes_that_are_not_utf8_stand_in_base64_beside_a_readable_text() -> None:
    fields = orjson.loads(record_line(KcatRecord("t", 0, 0, 1, b"\x00clock", b"a\xffb")))
    assert fields["key"] == "\x00clock"
    assert fields["payload"] == "a\ufffdb"
    assert fields["payload_base64"] == "Yf9i"


def as_kcat_prints(value: bytes) -> bytes:
    """A string of yajl: quotes, backslashes and control characters escaped, other bytes raw."""
    return b"".join(
        b"\\u%04x" % byte if byte < 0x20 or byte in b'"\\' else bytes([byte]) for byte in value
    )


@given(st.binary(max_size=40), st.none() | st.binary(max_size=20))
def test_binary_records_of_kcat_are_read_byte_for_byte(value: bytes, key: bytes | None) -> None:
    quoted = b"null" if key is None else b'"%b"' % as_kcat_prints(key)
    text = b'{"topic":"t","partition":0,"offset":1,"tstype":"create","ts":5,"broker":1,' + (
        b'"headers":["trace","%b","none",null],"key":%b,"payload":"%b"}\n'
        % (as_kcat_prints(value), quoted, as_kcat_prints(value))
    )
    assert read_line(text, "") == KcatRecord("t", 0, 1, 5, key, value)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("7", b"7"),
        ("-9223372036854775808", b"-9223372036854775808"),
        ("1.5", b"1.5"),
        ('{"id":7}', b'{"id":7}'),
        ('"\\ud800"', b"\xed\xa0\x80"),
    ],
)
def test_keys_that_kcat_deserialised_are_read(key: str, expected: bytes) -> None:
    assert line(f'{{"topic":"t","key":{key},"payload":"x"}}').key == expected


def test_half_a_surrogate_pair_is_no_utf8_and_no_end_of_the_file() -> None:
    assert line('{"topic":"t","payload":"a\\udfff"}').value == b"a\xed\xbf\xbf"


@given(st.integers(0, 140))
def test_a_line_that_was_cut_off_keeps_the_position_that_it_names(length: int) -> None:
    whole = (
        b'{"topic":"installs","partition":3,"offset":17,"tstype":"create","ts":1767225600000,'
        b'"broker":1,"key":"offset","payload":"{\\"ts\\":5}"}'
    )
    cut = whole[:length]
    found = salvage_line(cut)
    if found is None:
        assert b'"installs"' not in cut
    else:
        assert found.topic == "installs"
        assert found.value == cut
        assert found.partition in (None, 3)
        assert found.offset in (None, 17)
        assert found.timestamp_ms in (None, 1_767_225_600_000)


def test_a_line_that_could_pass_for_an_event_is_not_salvaged() -> None:
    assert salvage_line(b'{"topic":"installs","type":"install","schema_version":1}') is None


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{", "not JSON"),
        ("[]", 'no "topic"'),
        ('{"payload":"x"}', 'no "topic"'),
        ('{"topic":7,"payload":"x"}', 'no "topic"'),
        ('{"topic":"t"}', 'no "payload"'),
        ('{"topic":"t","payload":7}', '"payload" is int'),
        ('{"topic":"t","payload":"x","partition":-1}', '"partition" is -1'),
        ('{"topic":"t","payload":"x","partition":true}', '"partition" is True'),
        ('{"topic":"t","payload":"x","ts":"now"}', "\"ts\" is 'now'"),
        ('{"topic":"t","payload_base64":"*"}', '"payload_base64" is not base64'),
        ('{"topic":"t","payload_base64":7}', '"payload_base64" is not base64'),
    ],
)
def test_an_unreadable_line_says_where_and_what_in_one_line(text: str, wrong: str) -> None:
    with pytest.raises(UnreadableLineError) as caught:
        line(text)
    assert str(caught.value).startswith("dump.jsonl:1: ")
    assert wrong in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_come_in_the_order_given_and_progress_counts_their_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text('{"topic":"t","payload":"1"}\n\n{"topic":"t","payload":"2"}')
    second.write_text('{"topic":"t","payload":"0"}\n')
    heard: list[int] = []
    values = [record.value for record in read_records([second, first], heard.append)]
    assert values == [b"0", b"1", b"2"]
    assert heard == [first.stat().st_size + second.stat().st_size]


def test_an_unreadable_line_of_a_file_is_named_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"topic":"t","payload":"1"}\nhello\n')
    with pytest.raises(UnreadableLineError, match=r"a\.jsonl:2: this is not JSON"):
        list(read_records([path]))


def test_a_file_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UnreadableLineError, match=r"gone\.jsonl: cannot be read"):
        list(read_records([tmp_path / "gone.jsonl"]))


def test_writing_tells_how_many_lines() -> None:
    out, heard = io.BytesIO(), list[int]()
    records = (KcatRecord("t", 0, n, n, None, b"x") for n in range(12))
    assert write(records, out, heard.append) == 12
    assert heard == [12]
    assert len(out.getvalue().splitlines()) == 12
