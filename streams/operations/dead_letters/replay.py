"""Dead letters and floods that can be read now, published again to their topics."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from schemas.decode import Unreadable, decode
from schemas.leniency import Leniency
from schemas.time import LogMs
from streams.errors import Stop
from streams.kafka.publisher import Published, Publisher
from streams.operations.dead_letters.chosen import Chosen, StoredMessage, chosen_messages
from streams.operations.dead_letters.only_in_log import (
    BYTES_GONE,
    GoneBytes,
    messages_at,
    places_of,
)
from streams.settings import Settings
from streams.stages.intake.flood_breaker import claimed_app
from streams.store.base import Store
from streams.wiring.parts import core_settings, stage_rules
from streams.wiring.store import stored

REMEMBERED_MAX = 1_000_000
"""Messages of floods of which equal ones are not published twice by one command."""


@dataclass(slots=True)
class Readability:
    """What this version makes of dead letters."""

    readable: int = 0
    by_reason: Counter[str] = field(default_factory=Counter)  # of those that it cannot read either
    gone: GoneBytes = field(default_factory=GoneBytes)

    def as_json(self) -> dict[str, Any]:
        by_reason = self.by_reason + Counter({BYTES_GONE: self.gone.counts.total()})
        return {
            "readable": self.readable,
            "unreadable": by_reason.total(),
            "by_reason": dict(sorted(by_reason.items())),
        }


def try_again(settings: Settings, chosen: Chosen) -> Readability:
    """Read dead letters as intake would now, and publish nothing."""
    found = Readability()
    with stored(settings) as store:
        chosen_letters = letters(settings, store, chosen, found)
        for _ in readable_letters(settings, chosen_letters, found):
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
    with (
        stored(settings) as store,
        closing(letters(settings, store, chosen, found)) as chosen_letters,
    ):
        readable = readable_letters(settings, chosen_letters, found)
        return asyncio.run(_publish(settings, readable)), found


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


def letters(
    settings: Settings, store: Store, chosen: Chosen, found: Readability
) -> Generator[Published, None, None]:
    """The original messages: those that the store has, then those that only their topic has.

    `found` counts what neither has any more.
    """
    count = 0
    for message in chosen_messages(store, chosen):
        count += 1
        yield _published(message)
    seen: set[bytes] = set()
    for _, message in messages_at(settings, places_of(store, chosen), found.gone):
        if chosen.limit and count >= chosen.limit:
            return
        is_chosen = not chosen.app or claimed_app(message.value) == chosen.app
        if is_chosen and message.timestamp_ms >= chosen.since_ms and _is_first(message, seen):
            count += 1
            yield _published(message)


def _published(message: StoredMessage) -> Published:
    return message.topic, message.partition, message.timestamp_ms, message.key, message.value


def _is_first(message: StoredMessage, seen: set[bytes]) -> bool:
    """Whether no equal message was met; beyond so many, repeats pass, which count once anyway."""
    content = repr((message.topic, message.key)).encode() + message.value
    name = blake2b(content, digest_size=12).digest()
    if name in seen:
        return False
    if len(seen) < REMEMBERED_MAX:
        seen.add(name)
    return True


async def _publish(settings: Settings, messages: Iterator[Published]) -> int:
    async with Publisher(core_settings(settings)) as publisher:
        return await publisher.publish(messages)
