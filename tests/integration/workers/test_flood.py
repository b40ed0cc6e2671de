"""A producer floods one topic with garbage: the worker goes on, and so do all other events."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("confluent_kafka", reason="the embedded broker is not installed")

from schemas import topics
from schemas.time import DAY_MS
from streams.kafka.embedded_broker import EmbeddedBroker
from streams.kafka.publisher import Published, Publisher
from streams.lab.bench.free_port import free_port
from streams.settings.core import CoreSettings
from tests.worlds.clock import NOON
from tests.worlds.stage_world import event

WINDOW = 100
SHARE = 0.2
GARBAGE = 3 * WINDOW  # in each of four partitions
TIME = NOON + DAY_MS
SECONDS = 120


def _traffic() -> Iterator[Published]:
    garbage = json.dumps({"app_id": "broken", "v": 2}).encode()
    for number in range(4 * GARBAGE):
        yield topics.PAYMENTS.name, number % 4, TIME, None, garbage
    for number in range(8):
        rate = event("exchange_rate", date="2026-01-01", base_currency="EUR", quote_currency="USD")
        rate |= {"event_id": f"e{number}", "rate_e9": 1_100_000_000}
        yield topics.COSTS.name, number % 4, TIME, None, json.dumps(rate).encode()


async def _publish(settings: CoreSettings) -> None:
    async with Publisher(settings) as publisher:
        await publisher.publish(_traffic())


def _total(port: int, name: str) -> float:
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            page = answer.read().decode()
    except OSError:
        return 0.0
    return sum(map(float, re.findall(rf"^{re.escape(name)}[^\n]* ([\d.e+]+)$", page, re.MULTILINE)))


def test_a_flood_is_counted_and_the_others_are_decided(tmp_path: Path) -> None:
    others = {key: value for key, value in os.environ.items() if "HEADWATER_" not in key}
    port = free_port()
    own = {
        "HEADWATER_DATA": str(tmp_path),
        "HEADWATER_METRICS_PORT": str(port),
        "HEADWATER_LOG_LEVEL": "warning",
        "HEADWATER_DEAD_LETTER_WINDOW": str(WINDOW),
        "HEADWATER_DEAD_LETTER_SHARE": str(SHARE),
    }
    with EmbeddedBroker() as broker:
        asyncio.run(_publish(CoreSettings(broker.address, embedded=True)))
        worker = subprocess.Popen(
            [sys.executable, "-m", "streams.cli", "worker", "--role", "core"],
            env={**others, **own, **broker.environment()},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            deadline = time.monotonic() + SECONDS
            while (
                _total(port, 'headwater_events_total{disposition="decided"') < 8
                or _total(port, "headwater_dead_letters_total{") < 4 * GARBAGE
            ):
                assert worker.poll() is None, worker.communicate()[1]
                assert time.monotonic() < deadline
                time.sleep(0.2)
            flooded = _total(port, 'headwater_flood_messages_total{app_id="broken"')
            assert flooded == 4 * GARBAGE * (1 - SHARE)
            worker.send_signal(signal.SIGTERM)
            _, stderr = worker.communicate(timeout=SECONDS)
        finally:
            worker.kill()
            worker.wait()
    assert worker.returncode == 0
    (line,) = stderr.strip().splitlines()
    assert "payments: too many messages of app 'broken' are unreadable" in line
