"""`headwater migrate` and `headwater doctor` on a real broker, and workers that find it wrong."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

import aiokafka
import pytest

from deploy.local.servers import KafkaServer
from streams.lab.bench.free_port import free_port

pytestmark = pytest.mark.kafka


class Installation:
    """A prefix on the broker and a folder: an installation of its own."""

    def __init__(self, kafka: KafkaServer, folder: Path) -> None:
        self.environ = {
            "HEADWATER_KAFKA": kafka.address,
            "HEADWATER_TOPIC_PREFIX": f"t{uuid.uuid4().hex[:8]}-",
            "HEADWATER_DATA": str(folder),
            "HEADWATER_PSEUDONYM_SECRET": "a secret of this test, of 32 bytes",
            "HEADWATER_METRICS_PORT": "0",
        }

    def run(
        self, *arguments: str, changed: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        others = {key: value for key, value in os.environ.items() if "HEADWATER_" not in key}
        return subprocess.run(
            [sys.executable, "-m", "streams.cli", *arguments],
            env={**others, **self.environ, **(changed or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def failing_checks(self, changed: Mapping[str, str] | None = None) -> dict[str, str]:
        done = self.run("doctor", "--json", changed=changed)
        answer = json.loads(done.stdout)
        failing = {one["name"]: one["advice"] for one in answer["checks"] if not one["ok"]}
        assert answer["ok"] is (not failing)
        assert done.returncode == (1 if failing else 0), done.stderr
        return failing


@pytest.fixture
def installation(kafka: KafkaServer, tmp_path: Path) -> Installation:
    return Installation(kafka, tmp_path)


def assert_one_line(done: subprocess.CompletedProcess[str], code: int, *expected: str) -> None:
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for text in expected:
        assert text in done.stderr


def test_what_a_newer_build_wrote_is_named_before_a_worker_meets_it(
    installation: Installation,
) -> None:
    installation.run("migrate")
    topic = f"{installation.environ['HEADWATER_TOPIC_PREFIX']}match"
    asyncio.run(_write(installation.environ["HEADWATER_KAFKA"], topic, bytes((0xC1, 9))))

    advice = installation.failing_checks()["versions"]
    assert f"topic {topic} holds a frame of match of version 9" in advice
    assert "update this one" in advice


async def _write(broker: str, topic: str, value: bytes) -> None:
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=broker)
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, partition=2)
    finally:
        await producer.stop()


def test_migrate_makes_everything_that_doctor_misses(installation: Installation) -> None:
    assert "headwater migrate" in installation.failing_checks()["topics"]
    first = json.loads(installation.run("migrate", "--json").stdout)
    assert len(first["topics_created"]) > 20
    assert first["migrations_applied"]
    assert installation.failing_checks() == {}
    assert json.loads(installation.run("migrate", "--json").stdout) == {
        "topics_created": [],
        "migrations_applied": [],
        "retention_changed": {},
    }


def test_doctor_says_what_a_changed_partition_count_or_clock_needs(
    installation: Installation,
) -> None:
    installation.run("migrate")
    failing = installation.failing_checks({"HEADWATER_PARTITIONS": "8"})
    assert "re-key" in failing["topics"]
    failing = installation.failing_checks({"HEADWATER_SOURCE_TIMESTAMPS": "create"})
    assert "HEADWATER_SOURCE_TIMESTAMPS" in failing["timestamps"]
    failing = installation.failing_checks({"HEADWATER_PSEUDONYM_SECRET": ""})
    assert "HEADWATER_PSEUDONYM_SECRET" in failing["pseudonyms"]
    failing = installation.failing_checks({"HEADWATER_PSEUDONYM_SECRET": "short"})
    assert "has 5 bytes and can be guessed" in failing["pseudonyms"]


def test_doctor_goes_on_after_an_absent_broker_and_store(installation: Installation) -> None:
    failing = installation.failing_checks(
        {
            "HEADWATER_KAFKA": f"127.0.0.1:{free_port()}",
            "HEADWATER_CLICKHOUSE": f"clickhouse://127.0.0.1:{free_port()}/default",
        }
    )
    assert "no Kafka broker answers" in failing["broker"]
    assert "correct HEADWATER_CLICKHOUSE" in failing["store"]
    assert "disk" not in failing


def test_migrate_says_in_one_line_that_clickhouse_is_absent(installation: Installation) -> None:
    absent = {"HEADWATER_CLICKHOUSE": f"clickhouse://127.0.0.1:{free_port()}/default"}
    assert_one_line(installation.run("migrate", changed=absent), 1, "HEADWATER_CLICKHOUSE")


def test_a_worker_does_not_start_without_its_topics(installation: Installation) -> None:
    assert_one_line(
        installation.run("worker", "--role", "core"), 1, "missing topics", "headwater migrate"
    )


def test_neither_worker_nor_migrate_accepts_a_changed_partition_count(
    installation: Installation,
) -> None:
    installation.run("migrate")
    changed = {"HEADWATER_PARTITIONS": "8"}
    for command in (("worker", "--role", "core"), ("migrate",)):
        done = installation.run(*command, changed=changed)
        assert_one_line(done, 1, "has 4 partitions, not 8", "re-key")


def test_storing_does_not_start_on_an_old_schema(installation: Installation) -> None:
    installation.run("migrate")
    installation.environ["HEADWATER_DATA"] += "/elsewhere"
    assert_one_line(
        installation.run("worker", "--role", "storing", changed={"HEADWATER_LOG_LEVEL": "error"}),
        1,
        "old or missing",
        "headwater migrate",
    )
