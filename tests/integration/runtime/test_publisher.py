"""The embedded broker forgets what is not read in time, so publishers wait for their readers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import aiokafka
import pytest

pytest.importorskip("confluent_kafka", reason="the embedded broker is not installed")

from schemas import topics
from streams.kafka.embedded_broker import KEPT_BYTES, KEPT_MESSAGES, EmbeddedBroker
from streams.kafka.publisher import Pace, Published, Publisher
from streams.settings.core import EMBEDDED_LEAD, CoreSettings

TOPIC = topics.TOUCHPOINTS.name
BYTES = 3 * KEPT_BYTES
SIZE = 1_000


def _messages() -> Iterator[Published]:
    for number in range(BYTES // SIZE):
        yield TOPIC, 1, number, str(number).encode(), bytes(SIZE)


async def _read_slowly(settings: CoreSettings, wanted: int) -> list[int]:
    """Offsets as they come, committed now and then."""
    consumer = aiokafka.AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers,
        group_id=settings.group_id,
        enable_auto_commit=False,
        check_crcs=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        tp = aiokafka.TopicPartition(TOPIC, 1)
        consumer.assign([tp])
        seen: list[int] = []
        while len(seen) < wanted:
            polled = await consumer.getmany(tp, timeout_ms=100, max_records=700)
            seen += [record.offset for record in polled.get(tp, [])]
            await consumer.commit({tp: len(seen)})
        return seen
    finally:
        await consumer.stop()


async def _publish_and_read() -> list[int]:
    with EmbeddedBroker() as broker:
        settings = CoreSettings(broker.address, embedded=True, lead=EMBEDDED_LEAD)
        reading = asyncio.create_task(_read_slowly(settings, BYTES // SIZE))
        async with Publisher(settings) as publisher:
            published = await publisher.publish(_messages())
        assert published == BYTES // SIZE
        return await asyncio.wait_for(reading, 60)


def test_nothing_is_lost_when_the_producer_outpaces_its_reader() -> None:
    assert asyncio.run(_publish_and_read()) == list(range(BYTES // SIZE))


def test_the_lead_stays_below_what_the_broker_keeps() -> None:
    assert EMBEDDED_LEAD.bytes_max < KEPT_BYTES
    assert EMBEDDED_LEAD.messages_max < KEPT_MESSAGES


def test_a_pace_lets_so_many_messages_pass_in_a_second() -> None:
    now = 0.0
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        waited.append(seconds)

    async def run() -> None:
        pace = Pace(1_000, lambda: now, sleep)
        for _ in range(20):
            await pace.passed(pace.chunk)

    asyncio.run(run())
    assert now == pytest.approx(2.0)
    assert waited
