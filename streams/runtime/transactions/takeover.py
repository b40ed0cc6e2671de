"""Makes this worker's producer the only one that commits for its lanes; see the package."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from streams.runtime.identity import PositionLabel
from streams.runtime.offsets import CommittedPosition, Offsets
from streams.runtime.transactions.producer import fence
from streams.settings.core import CoreSettings
from streams.stages.contract import TopicPartition

FENCED_AT_ONCE = 8


async def take_over(
    settings: CoreSettings,
    offsets: Offsets,
    inputs: Mapping[TopicPartition, str],
    owner: str,
) -> dict[TopicPartition, tuple[int, str]]:
    """Fence whoever committed for these inputs; what `owner` has to claim of them then.

    `inputs` names, for each partition, the transactional id of builds whose labels name no owner.
    Raises aiokafka's KafkaError.
    """
    fenced = {owner}
    while True:
        found = await offsets.labelled(list(inputs))
        former = {at.label.producer or inputs[tp] for tp, at in found.items()} - fenced
        if not former:
            return await _claims(offsets, inputs, found, owner)
        gate = asyncio.Semaphore(FENCED_AT_ONCE)
        await asyncio.gather(*(_fence(settings, one, gate) for one in former))
        fenced |= former


async def _claims(
    offsets: Offsets,
    inputs: Mapping[TopicPartition, str],
    found: Mapping[TopicPartition, CommittedPosition],
    owner: str,
) -> dict[TopicPartition, tuple[int, str]]:
    unread = [tp for tp in inputs if tp not in found]
    first = await offsets.first(unread) if unread else {}
    label = PositionLabel(producer=owner, is_unread=True)
    claims = {tp: (offset, label.text()) for tp, offset in first.items()}
    for tp, (offset, known) in found.items():
        claims[tp] = (offset, msgspec.structs.replace(known, producer=owner).text())
    return claims


async def _fence(settings: CoreSettings, transactional_id: str, gate: asyncio.Semaphore) -> None:
    async with gate:
        await fence(settings, transactional_id)
