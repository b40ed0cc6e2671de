"""How long a core worker takes until it decides again, with a warm disk and with an empty one.

`python -m tests.benchmarks.recovery [--touchpoints N] [--installs N] [--seed S] [--json]` lets a
worker decide that traffic and ends it. Twice it then publishes one more install, starts a new
worker and prints the seconds from its start until it is ready, and until that install is decided;
the second time its disk was taken away. `memory_mb` is what the process has taken by then, at most
and at the end.
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
from streams.lab.bench.control_loop import ControlLoop
from streams.lab.bench.lap import CHECKOUT, POLL_SECONDS, Course, prepare
from streams.lab.bench.programs import Running, memory_mb, metrics_of, running
from streams.lab.simulator import Scenario, SimulatedMessage, simulate_traffic
from streams.settings import read_settings
from streams.wiring.parts import core_settings

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


def one_more_install(scenario: Scenario, name: str) -> list[SimulatedMessage]:
    """It names a click id, so every stage has to be back before it is decided."""
    value = orjson.dumps({
        "type": "install", "schema_version": 1, "event_id": name, "install_id": name,
        "app_id": "com.example", "click_id": name, "event_time": scenario.end_ms,
    })  # fmt: skip
    return [SimulatedMessage(topics.INSTALLS.name, 0, scenario.end_ms, name.encode(), value)]


async def measure(course: Course, scenario: Scenario) -> dict[str, object]:
    core = core_settings(course.settings)
    who = core_program()
    group = f"{course.settings.kafka.topic_prefix}{who.group}"
    control = ControlLoop()
    print("recovery: building the state", file=sys.stderr)
    started = time.monotonic()
    with running(who.programs, course.environ, CHECKOUT) as ran:
        while not await caught_up(core.bootstrap_servers, group, who.topics, core):
            ran.require_all()
            await asyncio.sleep(POLL_SECONDS)
        built = time.monotonic() - started
        memory = _memory(ran)
    control.after("built")
    state = course.settings.folders.state
    disk = sum(file.stat().st_size for file in state.rglob("*") if file.is_file())
    found: dict[str, object] = {"built_seconds": round(built, 1), "built_memory_mb": memory}
    for disk_is in ("warm", "empty"):
        print(f"recovery: starting with the disk {disk_is}", file=sys.stderr)
        if disk_is == "empty":
            shutil.rmtree(state)
        async with Publisher(core) as publisher:
            await publisher.publish(one_more_install(scenario, f"recovery-{disk_is}"))
        found[f"{disk_is}_disk"] = await _restarted(course, f"recovery-{disk_is}")
        control.after(f"{disk_is}_disk")
    return found | {
        "state_mb": round(disk / 1e6, 1),
        "control_microseconds": control.microseconds,
    }


async def _restarted(course: Course, install: str) -> dict[str, object]:
    again = core_program()
    async with _decisions(course) as decisions:
        started = time.monotonic()
        with running(again.programs, course.environ, CHECKOUT) as ran:
            ready = time.monotonic() - started
            await asyncio.wait_for(_until_decided(decisions, install), DECIDE_SECONDS_MAX)
            seconds = time.monotonic() - started
            metrics = await asyncio.to_thread(metrics_of, again.programs[0].metrics_port)
            memory = _memory(ran)
    restored = {
        label: int(value)
        for (name, label), value in metrics.items()
        if name == "headwater_restored_keys_total"
    }
    return {
        "ready_seconds": round(ready, 1),
        "decides_after_seconds": round(seconds, 1),
        "restored_keys": restored,
        "memory_mb": memory,
    }


def _memory(ran: Running) -> dict[str, float]:
    """Of all processes together: the most that each has taken, and what they take now."""
    taken = [memory_mb(process.pid) for process in ran.processes.values()]
    return {"most": sum(one.most for one in taken), "now": sum(one.now for one in taken)}


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


async def _until_decided(decisions: aiokafka.AIOKafkaConsumer, install: str) -> None:
    async for record in decisions:
        if record.key == install.encode():
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--touchpoints", type=int, default=1_000_000)
    parser.add_argument("--installs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="one line instead of many")
    chosen = parser.parse_args()
    scenario = scenario_of(chosen.touchpoints, chosen.installs, chosen.seed)
    with tempfile.TemporaryDirectory(prefix="recovery-") as folder:
        course = Course.new(read_settings(), Path(folder) / "headwater")
        published = prepare(course, simulate_traffic(scenario))
        report = {"events": published, **asyncio.run(measure(course, scenario))}
    print(json.dumps(report, indent=None if chosen.json else 2))


if __name__ == "__main__":
    try:
        main()
    except Stop as problem:
        sys.exit(f"{Path(__file__).stem}: {problem}")
