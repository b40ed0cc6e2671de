"""Memory of a journeys partition over two simulated years, and restart with many quiet installs.

`python -m tests.benchmarks.quiet_installs` prints, every tenth of the time, what the process takes
and how many timers are in memory; then how long a restart takes with all installs in state, by way
of the timers on disk and by reading every state, as before.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec

from schemas.records import ActivitySeen
from schemas.time import DAY_MS, EventMs, LogMs
from streams.runtime.state import MemoryStore, RocksStore
from streams.stages.common.working_set import DUE_BYTES, Timers, stored_due, stored_expiry
from streams.stages.journeys.journeys import Journeys
from tests.worlds.clock import NOON
from tests.worlds.records import RULES, answer, installed, session
from tests.worlds.stage_world import Fed, fed_journeys

DAYS = 730
WRITTEN_AT_ONCE = 20_000
QUIET_DAYS = 400


def resident_mb() -> float:
    """What the process takes of the machine's memory."""
    gc.collect()
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in x)
    return int(line.split()[1]) / 1024


def opened(folder: Path) -> RocksStore:
    return RocksStore(folder, stored_expiry, stored_due)


def two_years(store: RocksStore, installs: int, sessions: int) -> None:
    """Every install has its sessions evenly over two years."""
    fed = fed_journeys(RULES, cast(MemoryStore, store))
    assert isinstance(fed.stage, Journeys)
    names = [f"i{n}" for n in range(installs)]
    for name in names:
        fed.journeys(installed(install_id=name), answer(install_id=name))
    example = session("s", 0)
    for n in range(sessions):
        at = (n + 1) * DAYS * DAY_MS // sessions
        records: list[ActivitySeen] = [
            msgspec.structs.replace(
                example, install_id=name, event_id=f"s{n}", time=EventMs(NOON + at),
                ts=LogMs(NOON + at),
            )
            for name in names
        ]  # fmt: skip
        fed.journeys(*records, watermarks={"matching-0": NOON + at})
        if (n + 1) % max(1, sessions // 10) == 0:
            timers = fed.stage.context.timers
            print(
                f"  day {at // DAY_MS:3}: {(n + 1) * installs:9,} sessions, "
                f"{resident_mb():6.0f} MB resident, {len(timers)} timers in memory, "
                f"{len(timers._heap)} in the heap, {store.due_entries():,} on disk"
            )


def fill(store: RocksStore, installs: int) -> None:
    """States of installs that are quiet, each due some day of the next 400."""
    fed = Fed(fed_journeys(RULES).stage)
    fed.journeys(installed(), answer())
    value = next(value for key, value in fed.state.entries() if key[0])
    for first in range(0, installs, WRITTEN_AT_ONCE):
        changes: dict[bytes, bytes | None] = {
            b"j:app:quiet-install-%012d" % n: due_on(n % QUIET_DAYS + 1) + value[DUE_BYTES:]
            for n in range(first, min(first + WRITTEN_AT_ONCE, installs))
        }
        store.apply(changes, first + 1)


def due_on(day: int) -> bytes:
    return (NOON + day * DAY_MS).to_bytes(DUE_BYTES, "big")


def measured(what: str, restart: Callable[[], int]) -> None:
    before, began = resident_mb(), time.perf_counter()
    timers = restart()
    seconds = time.perf_counter() - began
    print(f"  {what}: {seconds:6.2f} s, {resident_mb() - before:5.0f} MB more, {timers:,} timers")


def restarts(folder: Path) -> None:
    store = opened(folder)
    everything = Timers()

    def from_disk() -> int:
        fed = fed_journeys(RULES, cast(MemoryStore, store))
        fed.journeys(watermarks={"matching-0": NOON})
        assert isinstance(fed.stage, Journeys)
        return len(fed.stage.context.timers)

    def from_every_state() -> int:
        everything.restore(store.entries())
        return len(everything)

    measured("timers on disk     ", from_disk)
    measured("every state, before", from_every_state)
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--installs", type=int, default=1_000)
    parser.add_argument("--sessions", type=int, default=1_000, help="of each install")
    parser.add_argument("--quiet", type=int, default=1_000_000, help="installs in state")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(f"{given.installs:,} installs with {given.sessions:,} sessions each, two years:")
        store = opened(Path(folder) / "lives")
        two_years(store, given.installs, given.sessions)
        store.close()
        print(f"Restart with {given.quiet:,} installs in state:")
        store = opened(Path(folder) / "quiet")
        fill(store, given.quiet)
        store.close()
        restarts(Path(folder) / "quiet")


if __name__ == "__main__":
    main()
