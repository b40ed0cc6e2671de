"""Content of every version up to one's own is read; that of a later one is refused in one line."""

from __future__ import annotations

import msgspec
import pytest

from schemas.records import MARK, NewerFormatError, StoredFormat, TouchSeen, stored_version


class Seen(msgspec.Struct, frozen=True, array_like=True):
    key: str
    count: int = 0


class Counted(msgspec.Struct, frozen=True, array_like=True):
    count: int
    key: str


def _upgraded(content: bytes | memoryview) -> Counted:
    old = msgspec.msgpack.decode(content, type=Seen)
    return Counted(old.count, old.key)


FIRST = StoredFormat[Seen]("a state of tests", Seen)
SECOND = StoredFormat[Counted]("a state of tests", Counted, version=2, older={1: _upgraded})


def test_content_of_the_first_version_has_no_marker() -> None:
    """As builds wrote it that knew no versions."""
    stored = FIRST.marker + msgspec.msgpack.encode(Seen("k", 3))

    assert stored == msgspec.msgpack.encode(["k", 3])
    assert stored_version(stored) == 1
    assert FIRST.decode(stored) == FIRST.decode_quickly(stored) == Seen("k", 3)


def test_a_later_build_reads_content_without_a_marker_through_its_old_decoder() -> None:
    stored = msgspec.msgpack.encode(Seen("k", 3))

    assert SECOND.decode(stored) == SECOND.decode_quickly(memoryview(stored)) == Counted(3, "k")


def test_a_build_reads_what_it_writes() -> None:
    stored = SECOND.marker + msgspec.msgpack.encode(Counted(3, "k"))

    assert stored_version(stored) == 2
    assert SECOND.decode(stored) == SECOND.decode_quickly(memoryview(stored)) == Counted(3, "k")


def test_content_of_a_later_version_is_refused_in_one_line() -> None:
    stored = SECOND.marker + msgspec.msgpack.encode(Counted(3, "k"))

    with pytest.raises(NewerFormatError, match="a state of tests of version 2") as refusal:
        FIRST.decode(stored)
    assert "\n" not in str(refusal.value)
    with pytest.raises(msgspec.MsgspecError):
        FIRST.decode_quickly(stored)


def test_damaged_content_is_not_taken_for_a_later_version() -> None:
    for damaged in (b"", bytes([MARK]), b"\x92\xa1k", b"\x00", b"\xff"):
        with pytest.raises(msgspec.MsgspecError):
            FIRST.decode(damaged)
        with pytest.raises(msgspec.MsgspecError):
            SECOND.decode(damaged)


def test_nothing_that_messagepack_writes_begins_with_the_mark() -> None:
    values: list[object] = [None, True, 0, -1, 2**63, 0.5, "", "x" * 300, b"", b"x" * 70_000, []]
    for value in [*values, {}, [0] * 16]:
        assert msgspec.msgpack.encode(value)[0] != MARK
    with pytest.raises(msgspec.MsgspecError):
        msgspec.msgpack.decode(bytes([MARK, 2]), type=TouchSeen)
