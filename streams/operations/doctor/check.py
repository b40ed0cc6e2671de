"""The result of one check, and how the questions behind it fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiokafka.admin import AIOKafkaAdminClient

from streams.errors import Stop
from streams.kafka.topics import admin
from streams.settings import KafkaSettings


class Check(NamedTuple):
    """The result of one check."""

    name: str
    ok: bool
    advice: str  # what was found, or what to do


def verdict(name: str, wrong: list[str], known: str) -> Check:
    """The first line of `wrong` and how many more there are; `known` if there is none."""
    if not wrong:
        return Check(name, True, known)
    more = f" (and {len(wrong) - 1} more like this)" if wrong[1:] else ""
    return Check(name, False, wrong[0] + more)


def asked_of_broker(
    name: str, kafka: KafkaSettings, ask: Callable[[AIOKafkaAdminClient], Awaitable[Check]]
) -> Check:
    """The check that `ask` makes with a connected client; the embedded broker is never asked."""
    if kafka.brokers is None:
        return Check(name, True, "HEADWATER_KAFKA is not set: an in-process broker in memory")

    async def connected() -> Check:
        async with admin(kafka) as client:
            return await ask(client)

    try:
        return asyncio.run(connected())
    except Stop as error:
        return Check(name, False, f"unknown without a broker: {error}")
