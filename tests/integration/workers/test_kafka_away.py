"""Kafka goes away under a worker: it says so in time, waits, and has lost nothing afterwards."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.kafka import KafkaServer
from deploy.local.servers import kafka_absence, own_kafka
from schemas import topics
from schemas.time import DAY_MS
from streams.kafka.publisher import Published, Publisher
from streams.kafka.topics import create_topics
from streams.lab.bench.free_port import free_port
from streams.settings.core import CoreSettings
from tests.chaos.installation import Installation
from tests.servers_in_use import skip_or_fail
from tests.worlds.clock import NOON
from tests.worlds.stage_world import event

AWAY_SECONDS = 5.0
SECONDS = 180.0
EVENTS = 400


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[KafkaServer]:
    """A broker of this test alone: it is stopped and killed."""
    if absence := kafka_absence():
        skip_or_fail("kafka", absence)
    server = own_kafka(tmp_path / "kafka")
    server.start(dies_with_parent=True)
    try:
        server.wait_ready()
        yield server
    finally:
        server.program.send(signal.SIGCONT)
        server.kill()


def rates(first: int) -> Iterator[Published]:
    for number in range(first, first + EVENTS):
        rate = event("exchange_rate", date="2026-01-01", base_currency="EUR", quote_currency="USD")
        value = json.dumps(rate | {"event_id": f"e{number}", "rate_e9": number + 1}).encode()
        yield topics.COSTS.name, number % 4, NOON + DAY_MS, None, value


def publish(installation: Installation, first: int) -> None:
    async def publish_all() -> None:
        core = CoreSettings(installation.broker, topic_prefix=f"{installation.name}-")
        async with Publisher(core) as publisher:
            await publisher.publish(rates(first))

    asyncio.run(publish_all())


def page(port: int, path: str) -> tuple[int, str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def decided(port: int) -> float:
    pattern = r'^headwater_events_total\{disposition="decided"[^\n]* ([\d.e+]+)$'
    return sum(map(float, re.findall(pattern, page(port, "/metrics")[1], re.MULTILINE)))


def wait_for(condition: Callable[[], bool], worker: subprocess.Popen[str]) -> float:
    """Seconds until the condition holds."""
    began = time.monotonic()
    while not condition():
        assert worker.poll() is None, worker.communicate()[1]
        assert time.monotonic() - began < SECONDS
        time.sleep(0.05)
    return time.monotonic() - began


@pytest.mark.parametrize(
    "fault", [signal.SIGKILL, pytest.param(signal.SIGSTOP, marks=pytest.mark.chaos)]
)
def test_the_worker_waits_says_why_and_loses_nothing(
    broker: KafkaServer, tmp_path: Path, fault: signal.Signals
) -> None:
    installation = Installation("away", broker.address, tmp_path)
    asyncio.run(create_topics(installation.settings.kafka))
    port = free_port()
    worker = subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "worker", "--role", "core"],
        env={**installation.environ("core"), "HEADWATER_METRICS_PORT": str(port)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(lambda: page(port, "/readyz")[0] == 200, worker)
        publish(installation, 0)
        wait_for(lambda: decided(port) >= EVENTS, worker)
        broker.program.send(fault)
        reason = "no Kafka broker answers"
        noticed = wait_for(lambda: reason in page(port, "/readyz")[1], worker)
        # Twice the five seconds that are promised: the machine of the tests may be busy.
        assert noticed < 10.0
        assert page(port, "/readyz")[0] == 503
        time.sleep(AWAY_SECONDS)
        if fault is signal.SIGSTOP:
            broker.program.send(signal.SIGCONT)
        else:
            broker.start(dies_with_parent=True)
            broker.wait_ready()
        publish(installation, EVENTS)
        wait_for(lambda: decided(port) >= 2 * EVENTS, worker)
        wait_for(lambda: page(port, "/readyz")[0] == 200, worker)
        broker.program.send(fault)
        wait_for(lambda: reason in page(port, "/readyz")[1], worker)
        worker.send_signal(signal.SIGTERM)
        _, stderr = worker.communicate(timeout=60)
    finally:
        worker.kill()
        worker.wait()
    assert worker.returncode == 0
    lines = stderr.strip().splitlines()
    assert "no Kafka broker answers" in lines[0]
    # The second outage belongs to the first if it comes before the worker was at work again.
    assert len(lines) in (1, 3), stderr
    assert all("Kafka is back" in line for line in lines[1:2])
