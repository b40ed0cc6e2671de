"""What a touchpoint, and a record of an install, cost with ever more of them in state.

`python -m tests.benchmarks.growth [--touchpoints 100000,1000000,5000000] [--rounds N] [--json]`
fills one RocksDB per size through the stages themselves, then measures all sizes in turn, round by
round, so that each round sees the same machine; then closes and opens the stores and measures
again. The pool of devices is stationary: every device has five touchpoints whatever the size, and
each is met once more, so that popularity does not grow with the state. There is an install for
every five touchpoints. The figures are microseconds of the deciding thread per record, the median
of the rounds, and their ratio to the smallest size; `control_microseconds` is the fixed loop of
`headwater bench` beside each.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast

from msgspec.structs import replace

from schemas.records import ActivitySeen, Candidates, Installed, JourneyRecord, TouchSeen
from schemas.time import EventMs, LogMs
from streams.lab.bench.control_loop import ControlLoop
from streams.runtime.state import MemoryStore, RocksStore
from streams.stages.common.observer import StageObserver
from streams.stages.common.working_set import stored_due, stored_expiry
from streams.stages.contract import Effects
from streams.stages.matching.matching import Matching
from tests.benchmarks.quiet_installs import resident_mb
from tests.worlds.clock import NOON
from tests.worlds.records import RULES, answer, click, installed, session
from tests.worlds.stage_world import Fed, fed_journeys

TOUCHES_PER_DEVICE = 5
BATCH_RECORDS = 500
WITHIN_MS = 30 * 60_000
"""All of it happens within half an hour of log time: nothing is forgotten, no landmark comes."""
SEED = 7
_CLICK = click("", 0)
_INSTALL = installed()
_SESSION = session("", 0)
_ANSWER = answer(_CLICK)


class GrownState:
    """Both stages of one size, with a pool of devices and installs that were not met again yet."""

    def __init__(self, folder: Path, touchpoints: int) -> None:
        self.touchpoints = touchpoints
        self._folder = folder
        self._made = 0
        self._made_installs = 0
        devices = touchpoints // TOUCHES_PER_DEVICE
        self._devices = random.Random(SEED).sample(range(devices), devices)
        self._installs = list(self._devices)
        self.open()
        self._fill(devices)

    def open(self) -> None:
        """Also after `close`: the stages come back from their stores, as after a restart."""
        self._stores = {
            name: RocksStore(self._folder / name, stored_expiry, stored_due)
            for name in ("matching", "journeys")
        }
        matching = Matching(0, 1, RULES, StageObserver())
        self._matching = Fed(matching, cast(MemoryStore, self._stores["matching"]))
        self._journeys = fed_journeys(RULES, cast(MemoryStore, self._stores["journeys"]))

    def close(self) -> None:
        for store in self._stores.values():
            store.close()

    @property
    def disk_mb(self) -> dict[str, float]:
        return {
            name: round(sum(file.stat().st_size for file in folder.rglob("*")) / 1e6, 1)
            for name in self._stores
            if (folder := self._folder / name).exists()
        }

    def meet_devices(self, count: int) -> float:
        """Microseconds per touchpoint of devices that have five already."""
        met = [self._devices.pop() for _ in range(count)]
        return _timed([self._touch(device) for device in met], self._matching.match)

    def meet_installs(self, count: int) -> float:
        """Microseconds per record: new installs with their answers, sessions of known ones."""
        records: list[JourneyRecord] = []
        for _ in range(count // 4):
            records += [*self._new_install(), *self._sessions(2)]
        return _timed(records, self._journeys.journeys)

    def matching_entries(self) -> Iterator[tuple[bytes, bytes]]:
        """The state of every match key."""
        return iter(self._stores["matching"].entries())

    def _fill(self, devices: int) -> None:
        for first in range(0, devices, BATCH_RECORDS):
            chosen = range(first, min(first + BATCH_RECORDS, devices))
            for _ in range(TOUCHES_PER_DEVICE):
                self._matching.match(*map(self._touch, chosen))
            self._journeys.journeys(*(one for _ in chosen for one in self._new_install()))

    def _touch(self, device: int) -> TouchSeen:
        number = self._made = self._made + 1
        at = _time_of(number)
        touch = replace(
            _CLICK, event_id=f"click-{number:012}", touch_id=f"touch-{number:012}",
            time=EventMs(at), ts=LogMs(at), campaign_id=f"campaign-{number % 50}",
        )  # fmt: skip
        return TouchSeen(f"d:app:device-{device:012}", touch, (0, 0, number), True)

    def _new_install(self) -> tuple[Installed, Candidates]:
        number, at = self._made_installs, _time_of(self._made_installs)
        self._made_installs += 1
        name = f"install-{number:012}"
        install = replace(
            _INSTALL, install_id=name, event_id=f"event-{name}", time=EventMs(at), ts=LogMs(at)
        )
        return install, replace(_ANSWER, install_id=name)

    def _sessions(self, count: int) -> Iterator[ActivitySeen]:
        for _ in range(count):
            number = self._installs.pop()
            at = _time_of(number) + 1_000
            yield replace(
                _SESSION, install_id=f"install-{number:012}", event_id=f"session-{number:012}",
                time=EventMs(at), ts=LogMs(at),
            )  # fmt: skip


def _time_of(number: int) -> int:
    return NOON + number % WITHIN_MS


def _timed(records: Sequence[TouchSeen | JourneyRecord], feed: Callable[..., Effects]) -> float:
    seconds = 0.0
    for first in range(0, len(records), BATCH_RECORDS):
        batch = records[first : first + BATCH_RECORDS]
        began = time.thread_time()
        feed(*batch)
        seconds += time.thread_time() - began
    return seconds / len(records) * 1e6


def rounds_of(
    states: Sequence[GrownState], rounds: int, count: int
) -> dict[str, dict[str, object]]:
    """Medians by stage and size, each beside the median of its control."""
    control = ControlLoop()
    found: dict[tuple[str, int], list[float]] = {}
    controls: dict[int, list[float]] = {}
    for _ in range(rounds):
        for state in states:
            size = state.touchpoints
            found.setdefault(("matching", size), []).append(state.meet_devices(count))
            found.setdefault(("journeys", size), []).append(state.meet_installs(count))
            control.after("round")
            controls.setdefault(size, []).append(control.microseconds["round"])
    report: dict[str, dict[str, object]] = {
        "control_microseconds": {
            str(size): statistics.median(read) for size, read in controls.items()
        }
    }
    for stage in ("matching", "journeys"):
        medians = {s.touchpoints: statistics.median(found[stage, s.touchpoints]) for s in states}
        least = medians[min(medians)]
        report[stage] = {
            "microseconds": {str(size): round(one, 2) for size, one in medians.items()},
            "growth": {str(size): round(one / least, 3) for size, one in medians.items()},
        }
    return report


def measure(sizes: Sequence[int], rounds: int, folder: Path) -> dict[str, object]:
    count = min(sizes) // TOUCHES_PER_DEVICE // (2 * rounds)
    states, memory = [], {}
    for size in sizes:
        print(f"growth: filling with {size:,} touchpoints", file=sys.stderr)
        states.append(GrownState(folder / str(size), size))
        memory[str(size)] = round(resident_mb())
    print("growth: measuring", file=sys.stderr)
    fresh = rounds_of(states, rounds, count)
    for state in states:
        state.close()
    disk = {str(state.touchpoints): state.disk_mb for state in states}
    print("growth: measuring reopened stores", file=sys.stderr)
    for state in states:
        state.open()
    reopened = rounds_of(states, rounds, count)
    for state in states:
        state.close()
    return {
        "records_a_round": count,
        "fresh": fresh,
        "reopened": reopened,
        "disk_mb": disk,
        "resident_mb_after_filling": memory,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--touchpoints", default="100000,1000000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="one line instead of many")
    chosen = parser.parse_args()
    sizes = sorted(int(size) for size in chosen.touchpoints.split(","))
    with tempfile.TemporaryDirectory(prefix="growth-") as folder:
        report = measure(sizes, chosen.rounds, Path(folder))
    print(json.dumps(report, indent=None if chosen.json else 2))


if __name__ == "__main__":
    main()
