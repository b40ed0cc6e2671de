"""Makes this worker's producers the only ones that commit for its lanes; see the package."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from streams.runtime.offsets import Offsets
from streams.runtime.transactions.fence import fence
from streams.runtime.transactions.ownership import (
    Claims,
    Succession,
    claims_of,
    taking_over,
    unread_of,
)
from streams.settings.core import CoreSettings
from streams.stages.contract import TopicPartition

FENCED_AT_ONCE = 8


async def take_over(
    settings: CoreSettings, offsets: Offsets, inputs: Mapping[TopicPartition, Succession]
) -> Claims:
    """Fence whoever committed for these inputs; what their new owners have to claim then.

    Raises aiokafka's KafkaError.
    """
    gate = asyncio.Semaphore(FENCED_AT_ONCE)
    rounds = taking_over(inputs)
    wanted = next(rounds)
    while True:
        await asyncio.gather(*(_fence(settings, offsets, one, gate) for one in wanted.fence))
        found = await offsets.labelled(list(inputs), must_be_settled=wanted.must_be_settled)
        try:
            wanted = rounds.send(found)
        except StopIteration:
            break
    unread = unread_of(inputs, found)
    # One without a leader is claimed as well: nobody reads at an offset that is claimed as unread.
    first = dict.fromkeys(unread, 0)
    if led := await offsets.led(unread):
        first |= await offsets.first(led)
    return claims_of(found, first, inputs)


async def _fence(
    settings: CoreSettings, offsets: Offsets, transactional_id: str, gate: asyncio.Semaphore
) -> None:
    async with gate:
        await fence(offsets.admin, settings, transactional_id)
