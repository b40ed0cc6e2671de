"""Orders about models, written to the log of examples: the learner obeys them in log order."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import datetime

import aiokafka
from aiokafka.errors import KafkaError

from schemas import topics
from schemas.records import CommandKind, ExampleFrame, ModelCommand, frame_encoder
from schemas.time import WallMs
from streams.errors import Stop
from streams.kafka.publisher import Publisher
from streams.runtime.clients import new_consumer
from streams.settings.core import CoreSettings
from streams.settings.tree import Settings
from streams.wiring.parts import core_settings

_EXAMPLES = topics.EXAMPLES.name


def new_order(kind: CommandKind, model: str, reason: str, **details: object) -> ModelCommand:
    """An order with a new id. `details`: version, or first_offset and last_offset."""
    now = WallMs(time.time() * 1000)
    name = f"order-{uuid.uuid4().hex[:12]}"
    return ModelCommand(name, kind, model, ordered_at=now, reason=reason, **details)  # type: ignore[arg-type]  # Their types are those of ModelCommand's fields.


def send(settings: Settings, order: ModelCommand) -> None:
    """Write an order to the broker, and wait for its answer. Stop when there is no broker."""
    asyncio.run(_send(_core(settings), order))


def offsets_between(settings: Settings, since: datetime, until: datetime) -> tuple[int, int]:
    """The first and last offset of the examples with a log time in [since, until).

    Stop when there is no broker, or no example in that time.
    """
    return asyncio.run(_offsets(_core(settings), since, until))


def _core(settings: Settings) -> CoreSettings:
    if settings.kafka.brokers is None or settings.kafka.is_in_process:
        raise Stop(
            "HEADWATER_KAFKA is not set: set it to the broker of the workers that shall obey"
        )
    return core_settings(settings)


async def _send(core: CoreSettings, order: ModelCommand) -> None:
    frame = frame_encoder.encode(ExampleFrame({}, [order]))
    async with Publisher(core) as publisher:
        await publisher.publish([(_EXAMPLES, 0, order.ordered_at, None, frame)])


async def _offsets(core: CoreSettings, since: datetime, until: datetime) -> tuple[int, int]:
    consumer = new_consumer(core, isolation_level="read_uncommitted")
    tp = aiokafka.TopicPartition(core.topic(_EXAMPLES), 0)
    try:
        await consumer.start()
        end = (await consumer.end_offsets([tp]))[tp]
        offsets = []
        for moment in (since, until):
            found = await consumer.offsets_for_times({tp: int(moment.timestamp() * 1000)})
            offsets.append(end if found.get(tp) is None else found[tp].offset)
    except (KafkaError, OSError) as error:
        raise Stop(
            f"no Kafka broker answers at {core.bootstrap_servers}: start it, "
            "or correct HEADWATER_KAFKA"
        ) from error
    finally:
        await consumer.stop()
    first, last = offsets[0], offsets[1] - 1
    if first > last:
        raise Stop(f"no examples were written between {since.isoformat()} and {until.isoformat()}")
    return first, last
