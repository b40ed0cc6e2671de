"""What happens when the disk of a state is full: its lane waits, and goes on when there is room.

RocksDB refuses every write from then on, also when there is room again, until it is opened anew.
Nothing is lost by that: what it has not flushed is in the changelog, which is read again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from streams.errors import FULL_DISK_NUMBERS, HeadwaterError

ROOM_LOOK_SECONDS = 5.0
"""How often a lane looks whether its disk has room again."""
_FULL = ("No space left on device", "Disk quota exceeded", "Max allowed space was reached")
_log = logging.getLogger("headwater.state")

_Opened = TypeVar("_Opened")


class StateDiskFullError(HeadwaterError):
    """A state cannot be written, because its disk is full; the message names the folder."""


def disk_full(folder: Path, error: Exception) -> StateDiskFullError | None:
    """What RocksDB and the system say about a full disk, as our error; None for other errors."""
    is_full = isinstance(error, OSError) and error.errno in FULL_DISK_NUMBERS
    if is_full or any(words in str(error) for words in _FULL):
        return StateDiskFullError(
            f"the disk of {folder} is full: free some room, or move HEADWATER_STATE_DIR; "
            "nothing is lost, and the lane goes on by itself"
        )
    return None


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Raise StateDiskFullError for what RocksDB and the system raise on a full disk."""
    try:
        yield
    except Exception as error:
        if full := disk_full(folder, error):
            raise full from error
        raise


class NeedsRoom(Protocol):
    """A lane whose state is on a disk."""

    lacks_room: bool

    @property
    def name(self) -> str: ...


async def opened_with_room(
    lane: NeedsRoom,
    open_state: Callable[[], Awaitable[_Opened]],
    full: StateDiskFullError | None = None,
) -> _Opened:
    """What `open_state` returns, once the disk has room for it. `full`: it is known to have none.

    The log says once that a lane waits, and once that it goes on.
    """
    is_logged = False
    while True:
        if full is not None:
            if not is_logged:
                _log.error("%s waits: %s", lane.name, full)
                is_logged = lane.lacks_room = True
            await asyncio.sleep(ROOM_LOOK_SECONDS)
        try:
            opened = await open_state()
        except StateDiskFullError as error:
            full = error
        else:
            if is_logged:
                _log.warning("%s goes on: its disk has room again", lane.name)
            lane.lacks_room = False
            return opened
