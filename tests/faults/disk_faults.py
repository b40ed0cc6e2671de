"""Disks that are full: of the local state, and of the embedded store."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.convergence import DECIDED, wait_until_converged
from tests.chaos.fault_injector import CONVERGENCE_SECONDS
from tests.chaos.fault_plan import CORES, STORING
from tests.chaos.fleet import Fleet
from tests.chaos.installation import WatchedInstallation
from tests.faults.compared import answers, undisturbed
from tests.faults.log_bench import WAIT_SECONDS, LogBench
from tests.faults.small_disk import SmallDisk, small_disk

EVENTS = 4_000
STATE_MIB, STORE_MIB = 64, 256
TOY_MIB = 24
WIDE_RECORDS = 9_000
"""Each is a key of its own with 10 kB: of a partition more than RocksDB keeps in memory."""


@dataclass(frozen=True)
class SmallInstallation(WatchedInstallation):
    """An installation whose state, or whose store, is on a disk of its own."""

    state_disk: Path | None = None
    store_disk: Path | None = None

    @property
    def store(self) -> Path:
        return (self.store_disk or self.folder) / "store"

    def state(self, worker: str) -> Path:
        return (self.state_disk or self.folder) / "state" / worker


async def state_disk_full_while_running(bench: LogBench) -> float:
    """Toy lanes write until RocksDB has to flush; they wait, and go on with room."""
    with small_disk(bench.folder / "disk", TOY_MIB) as disk:
        worker = bench.start_worker(str(disk.folder / "state"))
        await bench.well()
        disk.fill()
        await bench.send(WIDE_RECORDS, keys=WIDE_RECORDS, name="wide")
        began = time.monotonic()
        while "is full" not in bench.stderr(worker):
            assert time.monotonic() - began < WAIT_SECONDS, "it has not noticed"
            assert worker.poll() is None, bench.stderr(worker)
            # A flush fails in the background: the write that comes next is told so.
            await bench.send(40)
        disk.make_room()
        began = time.monotonic()
        seen = await bench.outcomes(WAIT_SECONDS)
        seconds = time.monotonic() - began
        await bench.stop_worker()
    seen.assert_each_record_counted_once(bench.sent)
    lines = bench.stderr(worker).splitlines()
    waits = [line for line in lines if f"waits: the disk of {disk.folder}/state/matching/" in line]
    goes_on = [line for line in lines if "goes on: its disk has room again" in line]
    assert 1 <= len(waits) == len(goes_on) <= 4, lines
    assert len(lines) == len(waits) + len(goes_on), lines
    return seconds


async def state_disk_full_at_start(folder: Path) -> float:
    """Core workers are killed while their disk is full: they wait until they can open their state.

    The seconds from the moment when there is room.
    """
    async with undisturbed(folder, EVENTS) as plain:
        with small_disk(folder / "disk", STATE_MIB) as disk:
            whole = SmallInstallation(
                "full", plain.broker.address, folder / "full", state_disk=disk.folder
            )
            whole.folder.mkdir()

            async def disturb(fleet: Fleet) -> float:
                for worker in CORES:
                    await answers(whole, worker, 200)
                await plain.publish(whole, 0.0, 0.5)
                disk.fill()
                for worker in CORES:
                    fleet.kill(worker)
                for worker in CORES:
                    await answers(whole, worker, 503, "the disk of the state is full")
                await plain.publish(whole, 0.5, 1.0)
                return await _with_room(disk, fleet)

            seconds = await plain.compare(whole, disturb)
            for worker in CORES:
                lines = (whole.folder / f"{worker}.log").read_text().splitlines()
                waits = [line for line in lines if f"the disk of {disk.folder}/" in line]
                assert waits, lines
                assert not [line for line in lines if "Traceback" in line], lines
                print(f"  {worker}: {len(lines)} lines, as: {waits[0]}", flush=True)
    return seconds


async def store_disk_full(folder: Path) -> float:
    """The folder of the embedded store has no room: deciding goes on, and storing waits.

    The seconds from the moment when there is room.
    """
    async with undisturbed(folder, EVENTS) as plain:
        with small_disk(folder / "disk", STORE_MIB) as disk:
            whole = SmallInstallation(
                "full", plain.broker.address, folder / "full", store_disk=disk.folder
            )
            whole.folder.mkdir()

            async def disturb(fleet: Fleet) -> float:
                for worker in (*CORES, STORING):
                    await answers(whole, worker, 200)
                await plain.publish(whole, 0.0, 0.5)
                disk.fill()
                await plain.publish(whole, 0.5, 1.0)
                await answers(whole, STORING, 503, f"the disk of ClickHouse at {disk.folder}/")
                await wait_until_converged(fleet, CONVERGENCE_SECONDS, {"core": DECIDED})
                for worker in CORES:
                    await answers(whole, worker, 200)
                return await _with_room(disk, fleet)

            return await plain.compare(whole, disturb)


async def _with_room(disk: SmallDisk, fleet: Fleet) -> float:
    disk.make_room()
    began = time.monotonic()
    await wait_until_converged(fleet, CONVERGENCE_SECONDS)
    return time.monotonic() - began
