"""Fencing a producer by its transactional id, without being a producer."""

from __future__ import annotations

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import NoError, for_code
from aiokafka.protocol.transaction import InitProducerIdRequest

from streams.runtime.clients import patiently
from streams.runtime.faust.internals import send_request
from streams.settings.core import CoreSettings

_TRANSACTION_COORDINATOR = 1
_PAUSE_SECONDS = 0.02  # a transaction that was open ends within milliseconds


async def fence(admin: AIOKafkaAdminClient, settings: CoreSettings, transactional_id: str) -> None:
    """End what the producers with this id have begun; they cannot commit any more.

    A transaction that is in doubt has ended, one way or the other, when this returns. Retries for a
    minute while coordinators move, or write markers; then it raises aiokafka's KafkaError.
    """
    name = settings.own_prefix + transactional_id
    request = InitProducerIdRequest(name, int(settings.transaction_timeout_seconds * 1000))

    async def ask() -> None:
        coordinator = await admin.find_coordinator(name, _TRANSACTION_COORDINATOR)
        answer = await send_request(admin, request, coordinator)
        if (error := for_code(answer.error_code)) is not NoError:
            raise error(name)

    await patiently(ask, _PAUSE_SECONDS)
