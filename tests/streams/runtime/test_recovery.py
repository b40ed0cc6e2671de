"""A store is continued from the log it was read from, and from no other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import streams.runtime.recovery as recovery
from streams.runtime.recovery import LostStateError, Restored, restore
from streams.runtime.state import RocksStore
from streams.settings.core import CoreSettings

CHANGELOG = ("matching-changelog", 0)
SETTINGS = CoreSettings("nowhere", topic_prefix="b-")
LOG = "cluster/topic"


@dataclass
class Record:
    offset: int
    key: bytes
    value: bytes


class Reader:
    """A consumer of a changelog that has the offsets from `first` to `end`."""

    first, end = 0, 20

    def __init__(self, *_: object, **__: object) -> None:
        self.at = 0

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def assign(self, tps: object) -> None: ...

    async def beginning_offsets(self, tps: list[object]) -> dict[object, int]:
        return {tps[0]: self.first}

    async def end_offsets(self, tps: list[object]) -> dict[object, int]:
        return {tps[0]: self.end}

    def seek(self, tp: object, at: int) -> None:
        self.at = at

    async def position(self, tp: object) -> int:
        return self.at

    async def getmany(
        self, tp: object, timeout_ms: int, max_records: int
    ) -> dict[object, list[Record]]:
        found = [Record(n, b"new-%02d" % n, b"x") for n in range(self.at, self.end)]
        self.at = self.end
        return {tp: found}


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> type[Reader]:
    class Own(Reader):
        pass

    monkeypatch.setattr(recovery, "new_consumer", Own)
    return Own


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RocksStore]:
    opened = RocksStore(tmp_path / "matching" / "0")
    yield opened
    opened.close()


def filled(store: RocksStore, position: int, origin: str = f"{LOG}/0") -> RocksStore:
    if origin:
        store.bind(origin)
    store.apply({b"old-%02d" % n: b"y" for n in range(position)}, position)
    return store


def restored(store: RocksStore, log_id: str = LOG, must_be_whole: bool = False) -> Restored:
    return asyncio.run(restore(SETTINGS, CHANGELOG, store, log_id, must_be_whole))


def keys(store: RocksStore) -> list[bytes]:
    return sorted(key for key, _ in store.entries())


def new(first: int) -> list[bytes]:
    return [b"new-%02d" % n for n in range(first, 20)]


def test_a_store_of_this_log_reads_only_what_it_lacks(
    reader: type[Reader], store: RocksStore
) -> None:
    assert restored(filled(store, 15)).records == 5
    assert keys(store) == new(15) + [b"old-%02d" % n for n in range(15)]


@pytest.mark.parametrize("origin", ["", "b-matching-changelog/0", "cluster/before/0", f"{LOG}/1"])
def test_a_store_of_another_log_is_never_merged_with_this_one(
    origin: str, reader: type[Reader], store: RocksStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Another prefix, topic, cluster or partition; or a store of a version that did not say."""
    restored(filled(store, 10, origin))
    assert keys(store) == new(0)
    assert store.origin == f"{LOG}/0"
    (line,) = caplog.messages
    assert "is of another log" in line
    assert "read anew" in line


def test_where_topics_have_no_ids_their_names_tell_logs_apart(
    reader: type[Reader], store: RocksStore
) -> None:
    restored(filled(store, 10, "a-matching-changelog/0"), log_id="")
    assert (keys(store), store.origin) == (new(0), "b-matching-changelog/0")


def test_a_new_store_is_filled_without_a_word(
    reader: type[Reader], store: RocksStore, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        done = restored(store)
    assert (done.records, done.from_start) == (20, True)
    assert caplog.messages == []


def test_a_store_that_is_ahead_of_a_log_that_was_cut_off_is_read_anew(
    reader: type[Reader], store: RocksStore
) -> None:
    restored(filled(store, 21))
    assert keys(store) == new(0)


def test_a_store_older_than_the_logs_first_offset_is_read_anew(
    reader: type[Reader], store: RocksStore
) -> None:
    """Changes between the two are gone: what they deleted would stay for ever."""
    reader.first = 12
    restored(filled(store, 11))
    assert keys(store) == new(12)


def test_a_store_that_ends_at_the_logs_first_offset_lacks_nothing(
    reader: type[Reader], store: RocksStore
) -> None:
    reader.first = 12
    restored(filled(store, 12), must_be_whole=True)
    assert len(keys(store)) == 20


@pytest.mark.parametrize("position", [0, 11])
def test_beside_committed_positions_a_shortened_changelog_is_loss(
    position: int, reader: type[Reader], store: RocksStore
) -> None:
    reader.first = 12
    with pytest.raises(LostStateError, match="begins at offset 12, so the state of before is lost"):
        restored(filled(store, position), must_be_whole=True)
