"""Which attribution rules are in force: the topic `rule-sets`, which workers read when they start.

The first worker of an installation records its rules; afterwards they change on purpose only, by
`headwater rules apply`. Of several first records the earliest holds, so that two workers that
start at once agree.
"""

from __future__ import annotations

import asyncio
import time

import aiokafka
import msgspec
from aiokafka.errors import KafkaError

from schemas.topics import RULE_SETS
from streams.errors import Stop
from streams.kafka.connection_fault import connection_fault
from streams.kafka.publisher import Publisher
from streams.runtime.clients import denied_right, new_consumer
from streams.settings.core import CoreSettings

_START_KEY, _ORDER_KEY = b"start", b"order"
_READ_SECONDS = 30.0


class RuleRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Rules that were put into force, as they were written: ids differ between versions."""

    rule_set: str
    """Their id, by the version that recorded them."""
    text: str = ""
    """The rule file; empty: there was none."""
    settings: dict[str, int] = {}
    """Rules that come from settings, by their field."""
    previous: str = ""
    """Id of the rules before; empty: none."""
    recorded_at: int = 0
    """Wall clock, in milliseconds since 1970."""


_record = msgspec.json.Decoder(RuleRecord)


async def recorded_rules(core: CoreSettings) -> RuleRecord | None:
    """The rules in force; None: nothing has been decided yet. Stop when Kafka fails."""
    consumer = new_consumer(core)
    tp = aiokafka.TopicPartition(core.topic(RULE_SETS.name), 0)
    started: RuleRecord | None = None
    ordered: RuleRecord | None = None
    try:
        async with asyncio.timeout(_READ_SECONDS):
            await consumer.start()
            consumer.assign([tp])
            end = (await consumer.end_offsets([tp]))[tp]
            await consumer.seek_to_beginning(tp)
            while await consumer.position(tp) < end:
                for record in (await consumer.getmany(tp, timeout_ms=500)).get(tp, ()):
                    found = _record.decode(record.value or b"{}")
                    if record.key == _ORDER_KEY:
                        ordered = found
                    elif started is None:
                        started = found
    except (KafkaError, OSError, TimeoutError) as error:
        raise Stop(denied_right(error) or await connection_fault(core.client(), error)) from error
    finally:
        await consumer.stop()
    return ordered or started


async def record_rules(core: CoreSettings, record: RuleRecord, *, is_order: bool) -> None:
    """Put rules into force; without `is_order` only if none are. Stop when Kafka fails."""
    now = int(time.time() * 1000)
    value = msgspec.json.encode(msgspec.structs.replace(record, recorded_at=now))
    key = _ORDER_KEY if is_order else _START_KEY
    async with Publisher(core) as publisher:
        await publisher.publish([(RULE_SETS.name, 0, now, key, value)])
