"""Rewrites the files of a store, so that they do not keep what was deleted.

RocksDB deletes a key by a mark, and drops the bytes when it merges the files that have them. Where
little is written that may be never: deleted keys of quiet ranges stayed on disk for as long as
anybody looked (facebook/rocksdb#13120, and what the options of compaction by age leave out: marks
that are still in memory). So once a day every range is merged by force, down to the last level.

It goes range by range, in a thread, and rests four times as long as it has worked. Stores of one
process take turns, since those that were opened together are due together: a fifth of a core at
most, whatever their number. A range is that of one file of the last level, about 64 MB, with what
lies above it. Whoever closes the store waits for one range alone: some hundred MB where files above
reach further, as all of the first level do, which the first range takes along.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from rocksdict import WriteBatch

from streams.errors import HeadwaterError
from streams.runtime.rocks.keys import REWRITTEN_KEY

REWRITE_SECONDS = 24 * 3600.0
"""Longest time for which a store that is open keeps deleted bytes, beside that of the rewrite."""
_REST = 4.0
"""Seconds of rest for each second of work."""
_TURN_SECONDS = 0.05
_turn = threading.Lock()
"""Whichever store of this process has it rewrites a range, and rests."""
_logger = logging.getLogger(__name__)


class RewritableRocks(Protocol):
    """The part of `CheckedRocks` that is needed here."""

    def get(self, key: bytes) -> bytes | None: ...

    def write(self, batch: WriteBatch) -> None: ...

    def flush(self) -> None: ...

    def files(self) -> list[tuple[int, bytes]]:
        """The level and last key of every file."""

    def rewrite_range(self, first: bytes | None, last: bytes | None) -> None: ...


def range_end(files: Iterable[tuple[int, bytes]], first: bytes) -> bytes | None:
    """The last key of the range that begins with a key; None: it is the last range.

    Files of the first level overlap, and each reaches from nearly the first key to nearly the last:
    ranges of theirs would be the whole store, again and again.
    """
    found = list(files)
    deepest = max((level for level, _ in found), default=0)
    ends = [last for level, last in found if level == deepest and last >= first]
    return min(ends) if deepest and len(ends) > 1 else None


class FileRewrite:
    """Call `look` after writes, and `stop` before the store is closed."""

    def __init__(
        self,
        rocks: RewritableRocks,
        every: float = REWRITE_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._rocks = rocks
        self._every = every
        self._clock = clock
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        stored = rocks.get(REWRITTEN_KEY)
        self._due = (int.from_bytes(stored) if stored else clock()) + every
        if stored is None:
            self._note(clock())

    def look(self) -> None:
        """Begin a rewrite if it is time, and none is under way."""
        now = self._clock()
        # A clock that was put back must not put the rewrite off by more than a day.
        self._due = min(self._due, now + self._every)
        if now < self._due or self._thread is not None:
            return
        self._thread = threading.Thread(target=self._rewrite, name="state files", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait for the rewrite that is under way."""
        if (thread := self._thread) is not None:
            thread.join()

    def stop(self) -> None:
        """End after the range that is being rewritten."""
        self._stopped.set()
        self.wait()

    def _rewrite(self) -> None:
        began = self._clock()
        try:
            self._rocks.flush()
            if self._rewrite_ranges():
                self._note(began)
        except HeadwaterError as error:  # Whoever writes next meets it, too, and says what to do.
            _logger.warning("files of a state were not rewritten: %s", error)
        finally:
            self._due = began + self._every
            self._thread = None

    def _rewrite_ranges(self) -> bool:
        """Rewrite one range after another; whether it came to the last one."""
        first: bytes | None = None
        while self._take_turn():
            try:
                before = time.monotonic()
                last = range_end(self._rocks.files(), first or b"")
                self._rocks.rewrite_range(first, last)
                self._stopped.wait(_REST * (time.monotonic() - before))
            finally:
                _turn.release()
            if last is None:
                return True
            first = last + b"\0"
        return False

    def _take_turn(self) -> bool:
        """Wait for the turn; False: whoever closes the store waits for this thread."""
        while not self._stopped.is_set():
            if _turn.acquire(timeout=_TURN_SECONDS):
                return True
        return False

    def _note(self, at: float) -> None:
        batch = WriteBatch(raw_mode=True)
        batch.put(REWRITTEN_KEY, int(at).to_bytes(8))
        self._rocks.write(batch)
