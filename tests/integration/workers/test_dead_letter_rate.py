"""A producer gone wrong stops the worker, loudly, before it fills the store with dead letters."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("confluent_kafka", reason="the embedded broker is not installed")

from schemas import topics
from streams.kafka.embedded_broker import EmbeddedBroker
from streams.kafka.publisher import Published, Publisher
from streams.settings.core import CoreSettings

WINDOW = 100


def _garbage() -> Iterator[Published]:
    for number in range(3 * WINDOW):
        yield topics.PAYMENTS.name, number % 4, 1_767_225_600_000, None, b"no JSON"


async def _publish(settings: CoreSettings) -> None:
    async with Publisher(settings) as publisher:
        await publisher.publish(_garbage())


def test_above_the_limit_the_worker_stops_with_one_line(tmp_path: Path) -> None:
    others = {key: value for key, value in os.environ.items() if "HEADWATER_" not in key}
    own = {
        "HEADWATER_DATA": str(tmp_path),
        "HEADWATER_METRICS_PORT": "0",
        "HEADWATER_LOG_LEVEL": "error",
        "HEADWATER_DEAD_LETTER_WINDOW": str(WINDOW // 4),
    }
    with EmbeddedBroker() as broker:
        asyncio.run(_publish(CoreSettings(broker.address, embedded=True)))
        done = subprocess.run(
            [sys.executable, "-m", "streams.cli", "worker", "--role", "core"],
            env={**others, **own, **broker.environment()},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "100.0% of the last" in done.stderr
    assert "HEADWATER_DEAD_LETTER_SHARE" in done.stderr
