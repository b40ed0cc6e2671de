"""The runtime on real Kafka: whatever happens to workers, each record has its effects once."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.servers import KafkaServer
from streams.kafka.caught_up import caught_up
from tests.integration.runtime.toy_run import Bench
from tests.integration.runtime.toy_stages import settings

pytestmark = pytest.mark.kafka


@pytest.fixture
def bench(kafka: KafkaServer, tmp_path: Path) -> Iterator[Bench]:
    run = Bench(kafka.address, tmp_path)
    asyncio.run(run.create_topics())
    yield run
    run.stop()


async def kill_workers(bench: Bench, kills: int) -> None:
    """Two workers all the time; one of them is killed every second or so."""
    chance = random.Random(7)
    running = [bench.start_worker(), bench.start_worker()]
    for kill in range(kills):
        await asyncio.sleep(chance.uniform(0.5, 2.5))
        victim = running.pop(chance.randrange(2))
        victim.kill()
        victim.wait()
        # Half of them restart on their own state folder, half on an empty one.
        running.append(bench.start_worker(bench.folder_of(victim) if kill % 2 else ""))


def test_two_workers_that_are_killed_again_and_again_count_every_record_once(bench: Bench) -> None:
    async def story() -> None:
        await asyncio.gather(bench.send(60_000, seconds=12), kill_workers(bench, kills=8))
        seen = await bench.outcomes(seconds=120)
        seen.assert_each_record_counted_once(bench.sent)

    asyncio.run(story())


def test_a_worker_that_wakes_up_after_its_partitions_moved_changes_nothing(bench: Bench) -> None:
    async def story() -> None:
        sleeper, other = bench.start_worker(), bench.start_worker()
        await asyncio.gather(bench.send(30_000, seconds=12), freeze(sleeper))
        seen = await bench.outcomes(seconds=120)
        seen.assert_each_record_counted_once(bench.sent)
        assert (sleeper.poll(), other.poll()) == (None, None), bench.stderr(sleeper)

    async def freeze(sleeper: object) -> None:
        await asyncio.sleep(3)
        bench.workers[0].send_signal(signal.SIGSTOP)
        await asyncio.sleep(6)  # The session time-out is 3 s.
        bench.workers[0].send_signal(signal.SIGCONT)

    asyncio.run(story())


def test_polls_that_reach_nobody_are_noticed_and_read_again(bench: Bench) -> None:
    async def story() -> None:
        worker = bench.start_worker(lost_polls=2)
        await bench.send(30_000, seconds=8)
        seen = await bench.outcomes(seconds=60)
        seen.assert_each_record_counted_once(bench.sent)
        lines = [line for line in bench.stderr(worker).splitlines() if "given to nobody" in line]
        assert len(lines) >= 2, bench.stderr(worker)

    asyncio.run(story())


def test_a_worker_with_an_empty_disk_goes_on_from_the_changelog(bench: Bench) -> None:
    async def story() -> None:
        first = bench.start_worker()
        await bench.send(20_000, keys=5_000)
        await bench.outcomes(seconds=120)
        first.send_signal(signal.SIGTERM)
        assert await bench.end_of(first) == 0, bench.stderr(first)
        bench.start_worker()
        await bench.send(20_000, keys=5_000)
        seen = await bench.outcomes(seconds=120)
        seen.assert_each_record_counted_once(bench.sent)

    asyncio.run(story())


def test_records_that_make_a_stage_raise_are_set_aside_and_all_others_are_counted(
    bench: Bench,
) -> None:
    async def story() -> None:
        await bench.send(5_000)
        for partition in (0, 2, 2):
            await bench.send_one("installs", b"poison", partition)
        worker = bench.start_worker()
        await bench.send(5_000)
        seen = await bench.outcomes(seconds=120)
        seen.assert_each_record_counted_once(bench.sent)
        assert worker.poll() is None, bench.stderr(worker)
        aside = await bench.quarantined()
        assert len(aside) == 3
        assert all(b'"error":"ValueError"' in row for row in aside)

    asyncio.run(story())


def test_a_failing_machine_ends_the_worker_with_one_line_and_commits_nothing(bench: Bench) -> None:
    async def story() -> None:
        await bench.send_one("installs", b"disk", partition=2)
        for _ in range(2):
            worker = bench.start_worker()
            assert await bench.end_of(worker) == 1
            assert bench.stderr(worker).splitlines() == [
                "headwater worker: OSError: the disk failed (lane intake-2)"
            ]

    asyncio.run(story())


def test_a_lane_that_waits_for_a_model_does_not_hold_up_the_others(bench: Bench) -> None:
    """Its partitions are held once enough waits for it; those of the others are read on."""

    async def story() -> None:
        slow_learner = await bench.publishing_model("never")
        await bench.send_one("touchpoints", b"stall", partition=0)
        await bench.send_one("installs", b"stall", partition=0)
        bench.start_worker()
        await bench.send(20_000)
        bench.sent = 15_000  # All but those of partition 0.
        seen = await bench.outcomes(seconds=120)
        partitions = {origin.split(b"/")[1] for origin in seen.origins}
        await slow_learner.stop()
        assert (seen.total, partitions) == (15_000, {b"1", b"2", b"3"})

    asyncio.run(story())


def test_commit_markers_at_the_end_of_a_log_are_not_lag(bench: Bench) -> None:
    async def story() -> None:
        worker = bench.start_worker()
        await bench.send(2_000)
        await bench.outcomes(seconds=120)
        core = settings(bench.bootstrap, "embedded", bench.prefix)
        topics = ["touchpoints", "installs", "match"]
        assert await caught_up(bench.bootstrap, core.group_id, topics, core)
        worker.kill()
        await bench.send(10)
        assert not await caught_up(bench.bootstrap, core.group_id, topics, core)

    asyncio.run(story())
