"""What happens to logs and to local state, and how a worker is well again.

Each story breaks one thing, checks the line that says so, follows its advice where it has one, and
returns the seconds from the start after the fault until every record has its outcome.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Awaitable, Callable

from tests.faults.log_bench import LogBench, state_files
from tests.integration.runtime.toy_run import TOPICS

Story = Callable[[LogBench], Awaitable[float]]


async def manifest_removed(bench: LogBench) -> float:
    folder = await bench.settled()
    for path in state_files(folder, "MANIFEST*"):
        path.unlink()
    return await _rebuilt(bench, folder, "is damaged")


async def table_cut_in_half(bench: LogBench) -> float:
    folder = await bench.settled()
    for path in state_files(folder, "*.sst"):
        os.truncate(path, path.stat().st_size // 2)
    return await _rebuilt(bench, folder, "is damaged")


async def garbage_in_current(bench: LogBench) -> float:
    folder = await bench.settled()
    for path in state_files(folder, "CURRENT"):
        path.write_bytes(b"\x00garbage" * 9)
    return await _rebuilt(bench, folder, "is damaged")


async def block_overwritten(bench: LogBench) -> float:
    """The files keep their size: only reading shows it."""
    folder = await bench.settled()
    for path in state_files(folder, "*.sst"):
        octets = bytearray(path.read_bytes())
        octets[20:60] = bytes(40)
        path.write_bytes(octets)
    return await _rebuilt(bench, folder, "is damaged")


async def folder_of_another_prefix(bench: LogBench) -> float:
    other = LogBench(bench.bootstrap, bench.folder)
    await other.create_topics()
    try:
        folder = await other.settled(str(bench.folder / "shared-state"))
    finally:
        other.stop()
    return await _rebuilt(bench, folder, "is of another log")


async def changelog_recreated(bench: LogBench) -> float:
    folder = await bench.settled()
    await bench.recreate("matching-changelog")
    bench.start_worker(folder)
    line = await bench.complaint()
    assert "changelog matching-changelog-" in line
    assert "this state is lost" in line
    began = time.monotonic()
    await bench.follow_advice(line)
    bench.start_worker(folder)
    # What `match` still holds is counted again, and every outcome says the same as before.
    bench.sent *= 2
    seen = await bench.well()
    records = bench.sent - 2_000
    assert len(seen.origins) == records
    assert sum(max(counts) for counts in seen.counts.values()) == records
    return time.monotonic() - began


async def input_recreated(bench: LogBench) -> float:
    folder = await bench.settled()
    await bench.recreate("match")
    bench.start_worker(folder)
    line = await bench.complaint()
    assert "has state, but group" in line
    assert "has no offset of match-" in line
    began = time.monotonic()
    await bench.follow_advice(line)
    bench.start_worker(folder)
    (await bench.well()).assert_each_record_counted_once(bench.sent)
    return time.monotonic() - began


async def everything_recreated_while_running(bench: LogBench) -> float:
    folder = await bench.settled()
    bench.start_worker(folder)
    await bench.well()
    await bench.recreate(*TOPICS)
    line = await bench.complaint()
    assert "created anew while this worker ran" in line or "created anew" in line, line
    bench.forget()
    return await _rebuilt(bench, folder, "is of another log")


async def records_gone_before_they_were_read(bench: LogBench) -> float:
    folder = await bench.settled()
    await bench.send(400)
    await bench.shorten("installs")
    bench.start_worker(folder)
    line = await bench.complaint()
    assert "50 records are lost (and more of 3 other partitions)" in line
    began = time.monotonic()
    await bench.follow_advice(line)
    bench.start_worker(folder)
    bench.sent -= 200
    await bench.well()
    return time.monotonic() - began


async def records_gone_while_running(bench: LogBench) -> float:
    folder = await bench.settled()
    worker = bench.start_worker(folder)
    await bench.well()
    worker.send_signal(signal.SIGSTOP)
    await bench.send(4_000)
    await bench.shorten("installs")
    worker.send_signal(signal.SIGCONT)
    line = await bench.complaint()
    assert "no longer has offset" in line or "records are lost" in line, line
    return 0.0


async def partitions_added(bench: LogBench) -> float:
    folder = await bench.settled()
    bench.start_worker(folder)
    await bench.well()
    began = time.monotonic()
    await bench.grow("touchpoints")
    line = await bench.complaint()
    assert "touchpoints has 8, not 4" in line
    bench.start_worker(folder)
    assert "topics differ in their number of partitions" in await bench.complaint()
    return time.monotonic() - began


async def partitions_added_to_every_topic(bench: LogBench) -> float:
    """The setting is changed with them: nothing differs, and every key has moved."""
    folder = await bench.settled()
    began = time.monotonic()
    await bench.grow(*TOPICS)
    bench.start_worker(folder)
    line = await bench.complaint()
    assert "has 8 partitions, but group" in line
    assert "its state in 4" in line
    assert "`headwater migrate --partitions 8 --into STORE`" in line
    return time.monotonic() - began


async def _rebuilt(bench: LogBench, folder: str, reason: str) -> float:
    """Start on this folder: the state is read anew, with one line for each partition."""
    began = time.monotonic()
    worker = bench.start_worker(folder)
    (await bench.well()).assert_each_record_counted_once(bench.sent)
    seconds = time.monotonic() - began
    lines = bench.stderr(worker).splitlines()
    assert 1 <= len(lines) <= 4, lines
    assert all(reason in line and "read anew" in line for line in lines), lines
    return seconds


LOG_FAULTS: dict[str, Story] = {
    "RocksDB: MANIFEST removed": manifest_removed,
    "RocksDB: table cut in half": table_cut_in_half,
    "RocksDB: garbage in CURRENT": garbage_in_current,
    "RocksDB: block overwritten": block_overwritten,
    "state folder of another prefix": folder_of_another_prefix,
    "changelog deleted and created anew": changelog_recreated,
    "input topic deleted and created anew": input_recreated,
    "every topic created anew while running": everything_recreated_while_running,
    "records removed by retention while stopped": records_gone_before_they_were_read,
    "records removed by retention while running": records_gone_while_running,
    "partitions added while running": partitions_added,
    "partitions added to every topic while stopped": partitions_added_to_every_topic,
}
