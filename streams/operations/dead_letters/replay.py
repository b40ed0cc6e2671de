"""Dead letters that can be read now, published again to their topics."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from schemas.decode import Unreadable, decode
from schemas.leniency import Leniency
from schemas.time import LogMs
from streams.errors import Stop
from streams.kafka.publisher import Published, Publisher
from streams.operations.dead_letters.chosen import Chosen, chosen_messages
from streams.settings import Settings
from streams.store.base import Store
from streams.wiring.parts import core_settings, stage_rules
from streams.wiring.store import stored


@dataclass(slots=True)
class Readability:
    """What this version makes of dead letters."""

    readable: int = 0
    by_reason: Counter[str] = field(default_factory=Counter)  # of those that it cannot read either

    def as_json(self) -> dict[str, Any]:
        return {
            "readable": self.readable,
            "unreadable": self.by_reason.total(),
            "by_reason": dict(sorted(self.by_reason.items())),
        }


def try_again(settings: Settings, chosen: Chosen) -> Readability:
    """Read dead letters as intake would now, and publish nothing."""
    found = Readability()
    with stored(settings) as store:
        for _ in readable_letters(settings, letters(store, chosen), found):
            pass
    return found


def publish_again(settings: Settings, chosen: Chosen) -> tuple[int, Readability]:
    """Publish those that can be read now to their original topics and partitions.

    Each distinct message is published once. One that would only fail again stays where it is.
    Events that were read before do not count twice: they are known by their ids. Stop: there is
    no broker.
    """
    if settings.kafka.brokers is None:
        raise Stop("HEADWATER_KAFKA is not set: set it to the broker to publish the messages to")
    found = Readability()
    with stored(settings) as store:
        chosen_letters = readable_letters(settings, letters(store, chosen), found)
        return asyncio.run(_publish(settings, chosen_letters)), found


def readable_letters(
    settings: Settings, messages: Iterator[Published], found: Readability
) -> Iterator[Published]:
    """Those that intake can read now; `found` counts both kinds."""
    rules = stage_rules(settings).intake
    leniency = Leniency(rules.placeholder_ids, lambda app_id, name: None)
    earliest = rules.clocks.earliest_event_time
    for message in messages:
        topic, _, received_at, _, value = message
        event = decode(value, topic, LogMs(received_at or 0), earliest, leniency)
        if isinstance(event, Unreadable):
            found.by_reason[event.reason] += 1
        else:
            found.readable += 1
            yield message


def letters(store: Store, chosen: Chosen) -> Iterator[Published]:
    """The original messages, by their position in the log."""
    for message in chosen_messages(store, chosen):
        yield message.topic, message.partition, message.timestamp_ms, message.key, message.value


async def _publish(settings: Settings, messages: Iterator[Published]) -> int:
    async with Publisher(core_settings(settings)) as publisher:
        return await publisher.publish(messages)
