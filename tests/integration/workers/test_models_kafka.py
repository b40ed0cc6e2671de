"""Orders about models on real Kafka: a live worker carries them out within seconds."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import aiokafka
import pytest
from msgspec import structs

from deploy.local.servers import KafkaServer
from online_models.hazard.rules import HazardRules
from online_models.learning.rules import rules_for
from online_models.learning.target_learner import TargetLearner
from schemas.records import CommandKind, Example, ExampleFrame, frame_encoder
from streams.operations.models.orders import new_order, send
from streams.settings import read_settings
from tests.worlds import learner_world

pytestmark = pytest.mark.kafka
PARTITIONS = 2
SECONDS = 60.0
LEARNING = (
    180.0  # Seconds for 17,000 rows by four classifiers, on a machine that does other things.
)
FRAME = 50  # examples
RATES = "payer/rates"


@cache
def made_up(count: int) -> list[Example]:
    """Examples that have matured until now, with features hashed as by live workers. So many reach
    the target that a version goes live after a few thousand."""
    examples = learner_world.examples(count, hazard=HazardRules())
    late = int(time.time() * 1000) - examples[-1].matured_at
    return [
        structs.replace(one, matured_at=one.matured_at + late, label=one.label or not number % 50)
        for number, one in enumerate(examples)
    ]


def poisoned(examples: list[Example]) -> list[Example]:
    return [structs.replace(one, label=not one.label) for one in examples]


@dataclass
class Installation:
    """One worker with topics of its own."""

    kafka: str
    folder: Path
    process: subprocess.Popen[str] | None = None
    installs: int = 0
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        return f"{self.folder.name}-"

    @property
    def environ(self) -> dict[str, str]:
        foreign = {k: v for k, v in os.environ.items() if not k.startswith("HEADWATER_")}
        return foreign | {
            "HEADWATER_KAFKA": self.kafka,
            "HEADWATER_TOPIC_PREFIX": self.prefix,
            "HEADWATER_PARTITIONS": str(PARTITIONS),
            "HEADWATER_DATA": str(self.folder),
            "HEADWATER_METRICS_PORT": "0",
            "HEADWATER_DECISION_WAIT": "0s",
            "HEADWATER_PSEUDONYM_SECRET": "a secret of this test, of 32 bytes",
            **self.settings,
        }

    def command(self, *arguments: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "streams.cli", *arguments, "--json"],
            env=self.environ, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streams.cli", "worker", "--role", "core"],
            env=self.environ, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()

    def promote(self, version: str) -> None:
        """As `headwater models promote` orders it, which first looks into a store."""
        send(
            read_settings(self.environ),
            new_order(CommandKind.PROMOTE, "payer", "", version=version),
        )

    async def produce(self, topic: str, values: list[bytes], keys: bool = False) -> None:
        producer = aiokafka.AIOKafkaProducer(bootstrap_servers=self.kafka)
        await producer.start()
        try:
            for number, value in enumerate(values):
                partition = number % PARTITIONS if keys else 0
                await producer.send(f"{self.prefix}{topic}", value, partition=partition)
            await producer.flush()
        finally:
            await producer.stop()

    async def teach(self, examples: list[Example]) -> None:
        frames = [
            frame_encoder.encode(ExampleFrame({}, [*examples[at : at + FRAME]]))
            for at in range(0, len(examples), FRAME)
        ]
        await self.produce("examples", frames)

    async def install(self, count: int) -> None:
        now = int(time.time() * 1000)
        events = []
        for _ in range(count):
            self.installs += 1
            name = f"i{self.installs}"
            events.append({
                "type": "install", "schema_version": 1, "event_id": name, "app_id": "app.one",
                "event_time": now, "install_id": name, "platform": "ios", "country_code": "US",
            })  # fmt: skip
        await self.produce("installs", [json.dumps(one).encode() for one in events], keys=True)

    async def outcomes_on(self, topic: str, partitions: int = PARTITIONS) -> list[dict[str, Any]]:
        """All committed outcomes of a topic."""
        consumer = aiokafka.AIOKafkaConsumer(
            bootstrap_servers=self.kafka, isolation_level="read_committed",
            auto_offset_reset="earliest", enable_auto_commit=False,
        )  # fmt: skip
        await consumer.start()
        found: list[dict[str, Any]] = []
        try:
            tps = [aiokafka.TopicPartition(f"{self.prefix}{topic}", p) for p in range(partitions)]
            consumer.assign(tps)
            ends = await consumer.end_offsets(tps)
            while any([await consumer.position(tp) < ends[tp] for tp in tps]):
                polled = await consumer.getmany(timeout_ms=200)
                found += [json.loads(one.value) for some in polled.values() for one in some]
        finally:
            await consumer.stop()
        return found

    async def end(self, topic: str) -> int:
        consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=self.kafka)
        await consumer.start()
        try:
            tp = aiokafka.TopicPartition(f"{self.prefix}{topic}", 0)
            return int((await consumer.end_offsets([tp]))[tp])
        finally:
            await consumer.stop()

    async def until(
        self,
        seen: Callable[[list[dict[str, Any]]], bool],
        what: str,
        topic: str = "model-versions",
        seconds: float = SECONDS,
    ) -> list[dict[str, Any]]:
        """What was told of the payer model, as soon as it is as wanted."""
        give_up_at = time.monotonic() + seconds
        while True:
            assert self.process is not None
            assert self.process.poll() is None, self.process.communicate()[1]
            rows = [
                one for one in await self.outcomes_on(topic) if one.get("model", "payer") == "payer"
            ]
            if seen(rows):
                return rows
            assert time.monotonic() < give_up_at, f"waited in vain for {what}: {rows[-3:]}"
            await asyncio.sleep(0.1)

    async def last_of(self, models: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What was told last of each of these models."""
        rows = await self.outcomes_on("model-versions")
        return {row["model"]: row for row in rows if row["model"] in models}

    async def settled(self) -> list[dict[str, Any]]:
        """What was told of the payer model once nothing more is."""
        rows: list[dict[str, Any]] = []
        give_up_at = time.monotonic() + SECONDS
        while time.monotonic() < give_up_at:
            before, rows = rows, await self.until(bool, "a version")
            if before == rows:
                return rows
            await asyncio.sleep(1.5)
        raise AssertionError("versions keep coming")

    async def until_predicted_by(self, version: str) -> None:
        """Installs keep coming, until one of them is scored by this version."""
        give_up_at = time.monotonic() + SECONDS
        while time.monotonic() < give_up_at:
            await self.install(2)
            rows = [
                row for row in await self.outcomes_on("predictions") if row["target"] == "payer"
            ]
            if any(row["model_version"] == version for row in rows[-4:]):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"no install was scored by {version}: {rows[-2:]}")


@pytest.fixture
def installation(kafka: KafkaServer, tmp_path: Path) -> Iterator[Installation]:
    run = Installation(kafka.address, tmp_path)
    run.command("migrate")
    run.start()
    yield run
    run.stop()


def published(rows: list[dict[str, Any]]) -> list[str]:
    return [row["version"] for row in rows if row["state"] == "published"]


def test_a_rollback_of_a_live_worker_takes_effect_within_a_minute(
    installation: Installation,
) -> None:
    async def story() -> None:
        await installation.teach(made_up(40_000))
        before, live = published(await installation.settled())[-2:]
        await installation.until_predicted_by(live)
        began = time.monotonic()
        installation.command("models", "rollback")
        await installation.until_predicted_by(before)
        seconds = time.monotonic() - began
        print(f"rolled back from {live} to {before} in {seconds:.1f} s")
        assert seconds <= SECONDS

    asyncio.run(story())


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_poisoned_stretch_is_unlearned_by_a_live_worker(
    installation: Installation, is_killed: bool
) -> None:
    """Versions are named by their content: the same name is the same model, bit for bit."""

    async def story() -> None:
        examples = made_up(20_000)
        good, bad, after = examples[:8_000], examples[8_000:10_000], examples[10_000:]
        await installation.teach(good)
        first, clean = await installation.end("examples"), await installation.settled()
        await installation.teach(poisoned(bad))
        last = await installation.end("examples") - 1
        await installation.teach(after)
        await installation.settled()
        assert installation.process is not None
        installation.command("models", "quarantine", f"{first}..{last}")
        if is_killed:
            installation.stop()
            installation.start()
        rows = await installation.until(
            lambda found: found[-1]["state"] == "learned_again", "a model that is learned again"
        )
        withdrawn = next(row for row in rows if row["state"] == "withdrawn")
        assert withdrawn["live_version"] == published(clean)[-1]
        never = TargetLearner("payer", rules_for())
        never.learn([*good, *after])
        assert never.champion is not None
        assert rows[-1]["live_version"] == never.champion.name
        # The rates of the poisoned stretch were published before, these were not.
        versions = [
            one for one in await installation.outcomes_on("model-versions") if one["model"] == RATES
        ]
        (rates,) = [one.version for one in never.beside if one.model == RATES]
        assert versions[-1]["live_version"] == rates
        assert rates not in [one["version"] for one in versions if one["state"] == "published"]
        await installation.until_predicted_by(never.champion.name)

    asyncio.run(story())
