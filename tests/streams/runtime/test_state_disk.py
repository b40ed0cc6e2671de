"""A lane whose disk is full waits, says so once, loses nothing, and goes on when there is room."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from streams.runtime.lane import LaneParts
from streams.runtime.recovery import Restored
from streams.runtime.rocks import disk
from streams.runtime.rocks.disk import StateDiskFullError, disk_errors
from streams.runtime.state import MemoryStore, RocksStore, StateChanges, StateStore
from streams.stages.contract import Effects, LogRecord, StateReader
from tests.faults.small_disk import SmallDisk, small_disk_or_skip
from tests.worlds.lane_world import INPUT, Echo, Record, World, records

LARGE = 100_000
ROOM_MIB = 24


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "ROOM_LOOK_SECONDS", 0.01)


class Remembering(Echo):
    """Writes a value of its own for every record."""

    def decide(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        effects = super().decide(records, state)
        effects.changes = {b"k%06d" % one.offset: os.urandom(LARGE) for one in records}
        return effects


@dataclass
class Disk(World):
    """Lanes whose state is written by `open_store`, and restored from what was committed."""

    open_store: Callable[[], StateStore] = MemoryStore

    def parts(self) -> LaneParts:
        async def restore(store: StateStore) -> Restored:
            for position, effects in enumerate(self.log.committed, start=1):
                if position > store.position:
                    store.apply(effects.changes, position)
            return Restored(0, 0.0, False)

        return replace(super().parts(), restore=restore, store=self.open_store)

    def changes(self) -> dict[bytes, bytes | None]:
        return {key: one for effects in self.log.committed for key, one in effects.changes.items()}


class Small(MemoryStore):
    """A store on a disk whose room the test decides."""

    def __init__(self, room: list[int]) -> None:
        super().__init__()
        self._room = room

    def apply(self, changes: StateChanges, position: int) -> None:
        with disk_errors(Path("/state")):
            if position > self._room[0]:
                raise OSError(errno.ENOSPC, "No space left on device")
        super().apply(changes, position)


def test_what_was_decided_before_the_disk_was_full_is_decided_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        room, stores = [2], list[StateStore]()

        def open_store() -> StateStore:
            stores.append(Small(room))
            return stores[-1]

        world = Disk(stage=Remembering, open_store=open_store)
        async with world.running() as lane:
            for offset in range(3):
                lane.offer(INPUT, records(offset))
                await world.log.until(range(offset + 1))
            await _until(lambda: "is full" in caplog.text)
            assert lane.lacks_room
            lane.offer(INPUT, records(3, 4))
            await _until(lambda: len(stores) > 3)
            assert world.log.decided() == [0, 1, 2]
            room[0] = 99
            await world.log.until(range(5))
            await _until(lambda: dict(stores[-1].entries()) == world.changes())
            await _until(lambda: lane.is_open and not lane.lacks_room)
        assert caplog.text.count("matching-0 waits: the disk of /state is full") == 1
        assert caplog.text.count("matching-0 goes on") == 1

    asyncio.run(story())


def test_other_errors_of_a_disk_are_what_they_were() -> None:
    with pytest.raises(OSError, match="Input/output"), disk_errors(Path("/state")):
        raise OSError(errno.EIO, "Input/output error")
    over = OSError(errno.EDQUOT, "Disk quota exceeded")
    with (
        pytest.raises(StateDiskFullError, match="move HEADWATER_STATE_DIR"),
        disk_errors(Path("/state")),
    ):
        raise over


def test_a_real_disk_that_is_full_is_left_alone_until_it_has_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(disk: SmallDisk) -> None:
        stores: list[RocksStore] = []

        offered: list[Record] = []

        def is_full() -> bool:
            return "is full" in caplog.text

        def is_settled() -> bool:
            return is_full() or len(world.log.decided()) == len(offered)

        def open_store() -> RocksStore:
            stores.append(RocksStore(disk.folder / "0"))
            return stores[-1]

        world = Disk(stage=Remembering, open_store=open_store)
        async with world.running() as lane:
            await _until(lambda: lane.is_open)
            while not is_full():
                assert len(offered) < 1_000, "a disk of 24 MB took 100 MB"
                offered += (batch := records(*range(len(offered), len(offered) + 20)))
                lane.offer(INPUT, batch)
                await _until(is_settled)
            disk.enlarge(500)
            await world.log.until(range(len(offered)))
            await _until(lambda: lane.is_open and stores[-1].position == len(world.log.committed))
            assert dict(stores[-1].entries()) == world.changes()

    with small_disk_or_skip(tmp_path / "disk", ROOM_MIB) as disk:
        asyncio.run(story(disk))


async def pause() -> None:
    await asyncio.sleep(0.005)


async def _until(seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not seen():
            await pause()
