"""What every store guarantees, on disk and in memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.time import HOUR_MS, LogMs
from streams.runtime.rocks.keys import POSITION_KEY
from streams.runtime.state import STALE_SECONDS, MemoryStore, RocksStore, StateStore
from streams.stages.common.working_set import stored_due, stored_expiry
from tests.checkout import ROOT

Open = Callable[[], StateStore]


@pytest.fixture(params=["memory", "rocks"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    if request.param == "memory":
        return lambda: MemoryStore(first_byte_hours)
    return lambda: RocksStore(tmp_path / "0", first_byte_hours)


def first_byte_hours(key: bytes, value: bytes) -> int:
    """In these tests the first byte of a value says after how many hours it expires."""
    return value[0] * HOUR_MS if b"" < value[:1] < b"0" else 0


def test_changes_are_read_back_one_by_one_and_many_at_once(open_store: Open) -> None:
    store = open_store()
    store.apply({b"a": b"1", b"b": b"2", b"gone": None, b"": b"empty key"}, 4)
    assert (store.get(b"a"), store.get(b"gone"), store.get(b"")) == (b"1", None, b"empty key")
    assert store.get_many([b"b", b"gone", b"a"]) == [b"2", None, b"1"]
    assert store.get_many([]) == []
    store.close()


def test_a_deleted_key_is_gone(open_store: Open) -> None:
    store = open_store()
    store.apply({b"a": b"1", b"b": b"2"}, 1)
    store.apply({b"a": None}, 2)
    assert (store.get(b"a"), list(store.entries())) == (None, [(b"b", b"2")])
    store.close()


def test_entries_are_the_state_without_the_position(open_store: Open) -> None:
    store = open_store()
    store.apply({b"a": b"1", b"\xff": b"", b"b": b"2"}, 9)
    assert dict(store.entries()) == {b"a": b"1", b"b": b"2", b"\xff": b""}
    assert store.position == 9
    store.close()


def test_values_are_named_once_when_their_hour_of_uselessness_is_over(open_store: Open) -> None:
    store = open_store()
    store.apply({b"soon": b"\x02", b"late": b"\x09", b"never": b"x"}, 1)
    assert store.expired(LogMs(2 * HOUR_MS)) == []
    assert store.expired(LogMs(3 * HOUR_MS)) == [b"soon"]
    store.apply({b"soon": None}, 2)
    assert store.expired(LogMs(3 * HOUR_MS)) == []
    assert store.expired(LogMs(99 * HOUR_MS)) == [b"late"]
    assert sorted(store.entries()) == [(b"late", b"\x09"), (b"never", b"x")]
    store.close()


def test_a_value_that_was_put_off_is_named_for_both_hours(open_store: Open) -> None:
    """The caller looks at the value anyway, so a change of a value searches no index."""
    store = open_store()
    store.apply({b"k": b"\x02"}, 1)
    store.apply({b"k": b"\x09"}, 2)
    assert store.expired(LogMs(3 * HOUR_MS)) == [b"k"]
    assert store.expired(LogMs(99 * HOUR_MS)) == [b"k"]
    store.close()


def test_clearing_forgets_state_and_position(open_store: Open) -> None:
    store = open_store()
    store.apply({b"a": b"1"}, 9)
    store.clear()
    assert (store.get(b"a"), store.position, list(store.entries())) == (None, 0, [])
    store.close()


def test_state_on_disk_is_there_after_closing(tmp_path: Path) -> None:
    first = RocksStore(tmp_path / "0")
    first.apply({b"a": b"1"}, 3)
    first.close()
    again = RocksStore(tmp_path / "0")
    assert (again.get(b"a"), again.position) == (b"1", 3)
    again.close()


CRASH = """
import os, signal, sys
from pathlib import Path
from streams.runtime.state import RocksStore
store = RocksStore(Path(sys.argv[1]))
for position in range(1, 2001):
    store.apply({b"%d" % (position % 50): os.urandom(20_000), b"last": b"%d" % position}, position)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_after_a_crash_state_and_position_are_of_the_same_moment(tmp_path: Path) -> None:
    """More is written than the write buffer holds: part of it is on disk, and the rest is lost."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", CRASH, str(tmp_path / "0")], env=environ)
    store = RocksStore(tmp_path / "0")
    assert 0 < store.position <= 2000
    assert store.get(b"last") == b"%d" % store.position
    store.close()


def test_a_store_that_slept_too_long_begins_again(tmp_path: Path) -> None:
    """The changelog may no longer hold the deletions that it missed."""
    first = RocksStore(tmp_path / "0")
    first.apply({b"a": b"1"}, 3)
    first.close()
    old = time.time() - STALE_SECONDS - 1
    for path in (tmp_path / "0").iterdir():
        os.utime(path, (old, old))
    again = RocksStore(tmp_path / "0")
    assert (again.get(b"a"), again.position) == (None, 0)
    again.close()


def test_an_earlier_build_sees_nothing_in_a_state_folder_but_the_states(tmp_path: Path) -> None:
    """One step back: it hides the position and all that begins with the byte of the hours."""
    store = RocksStore(tmp_path, stored_expiry, stored_due)
    store.bind("a log")
    due, expires = (1 << 40).to_bytes(8), ((1 << 63) + (1 << 40)).to_bytes(8)
    marked = due + b"\xc1\x02"
    store.apply({b"a": due + b"\x90", b"b": expires + b"\x90", b"c": marked}, 9)
    keys = [key for key, _ in store._rocks.items()]
    store.close()

    hours = b"\x01" + ((1 << 41) // HOUR_MS).to_bytes(4, "big")
    assert [k for k in keys if k != POSITION_KEY and k[:1] != b"\x01"] == [b"a", b"b", b"c"]
    assert [k[5:] for k in keys if b"\x01" <= k < hours] == [b"b"]
