"""Where `headwater simulate` writes: a file, stdout or Kafka, and the truth to another file."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import json

from streams.errors import Stop, writing_to
from streams.kafka.publisher import Publisher
from streams.lab.simulator import Scenario, write_traffic, write_truth
from streams.lab.simulator.drafts.apple_signatures import public_keys
from streams.lab.simulator.kafka_delivery import publish_traffic
from streams.progress import Progress
from streams.settings import Settings
from streams.wiring.parts import core_settings


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to write what. At most one of `out` and `is_kafka` is used: Kafka, if both are."""

    out: Path | None  # None: stdout
    is_kafka: bool
    truth: Path | None
    postback_keys: Path | None = None
    pace: int | None = None  # messages per second to Kafka; None: as many as it takes


def simulate_to(
    settings: Settings, events: int, seed: int, destination: Destination, advance: Progress
) -> dict[str, Any]:
    """Write the traffic; return how much was written, and where. Stop: a file cannot be written."""
    scenario = Scenario.standard(events=events, seed=seed)
    written: dict[str, Any] = {"events": events, "seed": seed}

    if destination.is_kafka:
        scenario = replace(scenario, partitions=settings.kafka.partitions)
        _publish(settings, scenario, destination.pace, advance)
        written["kafka"] = settings.kafka.brokers
    else:
        with _opened(destination.out) as file:
            write_traffic(scenario, file, advance)
        written["file"] = str(destination.out or "stdout")
    if destination.truth is not None:
        with _opened(destination.truth) as file:
            written["installs"] = write_truth(scenario, file)
    if destination.postback_keys is not None:
        with _opened(destination.postback_keys) as file:
            file.write(json.encode(public_keys()) + b"\n")
    return written


def _publish(settings: Settings, scenario: Scenario, pace: int | None, advance: Progress) -> None:
    if settings.kafka.brokers is None:
        raise Stop("HEADWATER_KAFKA is not set: set it to host:port, or write to a file with --out")

    async def publish() -> None:
        async with Publisher(core_settings(settings)) as publisher:
            await publish_traffic(scenario, publisher, pace, advance)

    asyncio.run(publish())


@contextmanager
def _opened(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with writing_to(path), path.open("wb") as file:
        yield file
