"""The runtime on the embedded broker, which drops messages that are not read in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import aiokafka
import pytest

from streams.kafka.caught_up import caught_up
from streams.runtime.offsets import Offsets
from streams.runtime.pacing.lead import BoundedLead
from streams.settings.core import EMBEDDED_LEAD
from tests.integration.runtime.toy_run import Bench
from tests.integration.runtime.toy_stages import settings

confluent_kafka = pytest.importorskip("confluent_kafka")

RECORDS = 300_000
BURST = 2_000
PARTITIONS_WRITTEN = 2


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    broker = confluent_kafka.Producer({"bootstrap.servers": "-", "test.mock.num.brokers": 1})
    nodes = broker.list_topics(timeout=10).brokers.values()
    run = Bench(",".join(f"{node.host}:{node.port}" for node in nodes), tmp_path)
    yield run
    run.stop()


async def send_as_fast_as_allowed(bench: Bench, records: int) -> None:
    core = settings(bench.bootstrap, "embedded", bench.prefix)
    offsets = Offsets(core)
    await offsets.start()
    lead = BoundedLead(EMBEDDED_LEAD, offsets.committed_by_readers)
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=bench.bootstrap, max_batch_size=900_000)
    await producer.start()
    try:
        for first in range(0, records, BURST):
            tp = ("touchpoints", first // BURST % PARTITIONS_WRITTEN)
            batch = producer.create_batch()
            for number in range(first, first + BURST):
                stamp = int(time.time() * 1000)
                key = b"key%d" % (number % 997)
                if batch.append(timestamp=stamp, key=key, value=b"") is None:
                    raise AssertionError("a burst has to fit into a batch")
            size = (BURST, batch.size())
            await lead.wait({tp: size})
            sent = await producer.send_batch(batch, bench.prefix + tp[0], partition=tp[1])
            lead.sent(tp, (await sent).offset + BURST, size)
    finally:
        await producer.stop()
        await offsets.stop()


def test_a_producer_that_outpaces_the_worker_loses_nothing(bench: Bench) -> None:
    """The broker keeps 100,000 messages of a partition; each of two gets 150,000."""

    async def story() -> None:
        bench.start_worker("embedded")
        bench.sent = RECORDS  # Reading ends when all have been seen.
        seen, _ = await asyncio.gather(
            bench.outcomes(seconds=90), send_as_fast_as_allowed(bench, RECORDS)
        )
        seen.assert_each_record_counted_once(bench.sent)
        core = settings(bench.bootstrap, "embedded", bench.prefix)
        assert await caught_up(bench.bootstrap, core.group_id, ["touchpoints", "match"], core)

    asyncio.run(story())
