"""How long a core worker with an empty disk takes until it decides again.

`python -m tests.benchmarks.recovery [--touchpoints N] [--installs N] [--seed S]` lets a worker
decide that traffic, takes its disk away, publishes one more install, starts a new worker and
prints the seconds from its start until it is ready, and until that install is decided.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiokafka
import orjson

from schemas import topics
from streams.errors import Stop
from streams.kafka.caught_up import caught_up
from streams.kafka.publisher import Publisher
from streams.lab.bench.bench import core_program
from streams.lab.bench.lap import CHECKOUT, POLL_SECONDS, Course, prepare
from streams.lab.bench.programs import metrics_of, running
from streams.lab.simulator import Scenario, SimulatedMessage, simulate_traffic
from streams.settings import read_settings
from streams.wiring.parts import core_settings

INSTALL = "recovery-benchmark"
DECIDE_SECONDS_MAX = 300.0


def scenario_of(touchpoints: int, installs: int, seed: int) -> Scenario:
    """Little else than touchpoints and installs, so that the state is large soon."""
    events = round((touchpoints + installs) / 0.94)
    return Scenario(
        events=events,
        seed=seed,
        touchpoint_share=touchpoints / events,
        install_share=installs / events,
        activity_share=0.04,
        payment_share=0.02,
        uncounted_share=0.0,
    )


def one_more_install(scenario: Scenario) -> list[SimulatedMessage]:
    """It names a click id, so every stage has to be back before it is decided."""
    value = orjson.dumps({
        "type": "install", "schema_version": 1, "event_id": INSTALL, "install_id": INSTALL,
        "app_id": "com.example", "click_id": INSTALL, "event_time": scenario.end_ms,
    })  # fmt: skip
    return [SimulatedMessage(topics.INSTALLS.name, 0, scenario.end_ms, INSTALL.encode(), value)]


async def measure(course: Course, scenario: Scenario) -> dict[str, object]:
    core = core_settings(course.settings)
    who = core_program()
    group = f"{course.settings.kafka.topic_prefix}{who.group}"
    started = time.monotonic()
    with running(who.programs, course.environ, CHECKOUT) as ran:
        while not await caught_up(core.bootstrap_servers, group, who.topics, core):
            ran.require_all()
            await asyncio.sleep(POLL_SECONDS)
    built = time.monotonic() - started
    shutil.rmtree(course.settings.folders.state)
    async with Publisher(core) as publisher:
        await publisher.publish(one_more_install(scenario))
    again = core_program()
    async with _decisions(course) as decisions:
        started = time.monotonic()
        with running(again.programs, course.environ, CHECKOUT):
            ready = time.monotonic() - started
            await asyncio.wait_for(_until_decided(decisions), DECIDE_SECONDS_MAX)
            seconds = time.monotonic() - started
            metrics = await asyncio.to_thread(metrics_of, again.programs[0].metrics_port)
    restored = {
        label: int(value)
        for (name, label), value in metrics.items()
        if name == "headwater_restored_keys_total"
    }
    return {
        "built_seconds": round(built, 1),
        "ready_seconds": round(ready, 1),
        "decides_after_seconds": round(seconds, 1),
        "restored_keys": restored,
    }


@contextlib.asynccontextmanager
async def _decisions(course: Course) -> AsyncIterator[aiokafka.AIOKafkaConsumer]:
    """Reads the decisions that come from now on."""
    core = core_settings(course.settings)
    consumer = aiokafka.AIOKafkaConsumer(
        **core.client(), isolation_level="read_committed", enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([
            aiokafka.TopicPartition(core.topic(topics.ATTRIBUTIONS.name), p)
            for p in range(course.settings.kafka.partitions)
        ])  # fmt: skip
        await consumer.seek_to_end()
        yield consumer
    finally:
        await consumer.stop()


async def _until_decided(decisions: aiokafka.AIOKafkaConsumer) -> None:
    async for record in decisions:
        if record.key == INSTALL.encode():
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--touchpoints", type=int, default=1_000_000)
    parser.add_argument("--installs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    scenario = scenario_of(chosen.touchpoints, chosen.installs, chosen.seed)
    with tempfile.TemporaryDirectory(prefix="recovery-") as folder:
        course = Course.new(read_settings(), Path(folder) / "headwater")
        published = prepare(course, simulate_traffic(scenario))
        print(json.dumps({"events": published, **asyncio.run(measure(course, scenario))}))


if __name__ == "__main__":
    try:
        main()
    except Stop as problem:
        sys.exit(f"{Path(__file__).stem}: {problem}")
