"""Traffic to files and to Kafka, and how much of it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import orjson

from schemas.time import DAY_MS
from streams.kafka.kcat import read_records
from streams.kafka.publisher import Pace, Published
from streams.lab.simulator import Delivered, Scenario, simulate_traffic, write_traffic, write_truth
from streams.lab.simulator.kafka_delivery import publish_traffic

SCENARIO = replace(Scenario.standard(2_000, seed=3), tick_ms=DAY_MS)


class ListOutlet:
    def __init__(self) -> None:
        self.published: list[Published] = []

    async def publish(self, messages: Iterable[Published], pace: Pace | None = None) -> int:
        self.published += messages
        return len(self.published)


def count_all(delivered: Delivered) -> int:
    return delivered.events.total() + delivered.ticks.total()


def test_a_file_gives_back_every_message_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "traffic.jsonl"
    with path.open("wb") as out:
        write_traffic(SCENARIO, out)
    assert [
        (r.topic, r.partition, r.timestamp_ms, r.key, r.value) for r in read_records([path])
    ] == list(simulate_traffic(SCENARIO))


def test_offsets_in_a_file_are_those_a_new_topic_would_give(tmp_path: Path) -> None:
    path = tmp_path / "traffic.jsonl"
    with path.open("wb") as out:
        delivered = write_traffic(SCENARIO, out)
    next_offsets: dict[tuple[str, int | None], int] = {}
    for record in read_records([path]):
        place = (record.topic, record.partition)
        assert record.offset == next_offsets.get(place, 0)
        next_offsets[place] = record.offset + 1
    assert next_offsets == dict(delivered.events + delivered.ticks)


def test_events_and_ticks_are_counted_apart_and_progress_ends_at_all_events() -> None:
    reported: list[int] = []

    def advance(step: str, done: int, total: int) -> None:
        reported.append(done)

    delivered = write_traffic(SCENARIO, io.BytesIO(), advance)
    assert delivered.events.total() == SCENARIO.events == reported[-1]
    assert delivered.ticks.total() == (30 + 5) * 7 * 4


def test_what_is_published_is_what_is_counted() -> None:
    outlet = ListOutlet()
    delivered = asyncio.run(publish_traffic(SCENARIO, outlet))
    assert outlet.published == list(simulate_traffic(SCENARIO))
    assert count_all(delivered) == len(outlet.published)


def test_the_truth_file_has_one_json_object_per_install() -> None:
    out = io.BytesIO()
    count = write_truth(SCENARIO, out)
    lines = [orjson.loads(line) for line in out.getvalue().splitlines()]
    assert len(lines) == count == round(SCENARIO.good * 0.05)
    assert {"install_id", "touch_id", "fraud", "payer_probability_d7"} <= lines[0].keys()
