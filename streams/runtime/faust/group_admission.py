"""Whether a consumer group is ready for a member that reads only some of its topics.

Builds that knew no learning workers assign by number, whatever a member has subscribed to. Such a
leader would give a learning worker partitions of all topics, which nobody would read until it left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, for_code

from streams.errors import HeadwaterError
from streams.runtime.clients import is_lasting
from streams.runtime.faust.assignor import claim_of
from streams.runtime.faust.internals import ConsumerProtocolMemberMetadata
from streams.settings.core import CoreSettings

Admission = Callable[[CoreSettings], AsyncIterator[str]]
"""Yields what a worker waits for before it joins its group, and ends when it may."""

LOOK_AGAIN_SECONDS = 1.0
_SETTLED = ("Stable", "Empty", "Dead")


class ForeignPartitionsError(HeadwaterError):
    """The leader of the group gave this member topics that it does not read."""


class GroupLook(NamedTuple):
    """A consumer group as Kafka describes it."""

    state: str
    metadata: tuple[bytes, ...]  # what each member said as it joined

    def objection(self) -> str:
        """Why a learning worker may not join yet; empty: it may."""
        if self.state not in _SETTLED:
            return "waiting for the consumer group to settle"
        elders = sum(not _heeds_subscriptions(one) for one in self.metadata)
        if elders:
            return f"waiting until core workers of an earlier build are gone ({elders} left)"
        return ""


async def earlier_builds_gone(settings: CoreSettings) -> AsyncIterator[str]:
    """Say what a worker apart waits for; end once every member of its group heeds subscriptions."""
    admin = AIOKafkaAdminClient(**settings.client())
    await admin.start()
    try:
        while objection := (await _look(admin, settings.group_id)).objection():
            yield objection
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
    finally:
        await admin.close()


async def _look(admin: AIOKafkaAdminClient, group_id: str) -> GroupLook:
    try:
        (answer,) = await admin.describe_consumer_groups([group_id])
        (group,) = answer.to_object()["groups"]
        if group["error_code"]:
            raise for_code(group["error_code"])
    except KafkaError as error:
        if is_lasting(error):
            raise
        return GroupLook("", ())
    return GroupLook(group["state"], _metadata_of(group["members"]))


def _metadata_of(members: Iterable[dict[str, bytes]]) -> tuple[bytes, ...]:
    return tuple(member["member_metadata"] for member in members)


def _heeds_subscriptions(metadata: bytes) -> bool:
    decoded = ConsumerProtocolMemberMetadata.decode(metadata)
    return claim_of(decoded.user_data).heeds_subscriptions


def foreign_partitions(ended: BaseException) -> ForeignPartitionsError | None:
    """aiokafka asserts that its member reads what the leader of the group gives it."""
    if not isinstance(ended.__cause__, AssertionError):
        return None
    return ForeignPartitionsError(
        "the consumer group is led by a worker of an earlier build, which gave this one partitions "
        "that it does not read: start it once all others run this build; nothing is lost "
        f"({ended.__cause__})"
    )
