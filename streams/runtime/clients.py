"""Creates every Kafka consumer and producer of the project, and says which of their errors pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import aiokafka
from aiokafka import errors

from streams.runtime.faust.inflation import bound_inflation
from streams.settings.core import CoreSettings

Answer = TypeVar("Answer")

RETRY_FOR_SECONDS = 60.0
RETRY_PAUSE_SECONDS = 0.2

DENIED = (
    errors.TopicAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    errors.TransactionalIdAuthorizationFailed,
)
"""Rights that Kafka does not give this user: waiting does not bring them."""

_LASTING = (
    *DENIED,
    errors.IncompatibleBrokerVersion,
    errors.InvalidTimestampError,
    errors.InvalidTopicError,
    errors.MessageSizeTooLargeError,
    errors.OffsetMetadataTooLargeError,
    errors.PolicyViolationError,
    errors.RecordListTooLargeError,
    errors.RecordTooLargeError,
    errors.UnsupportedVersionError,
)
"""The same request would be refused again, for ever."""


class FencedInstanceIdError(errors.BrokerResponseError):  # type: ignore[misc]  # aiokafka publishes no types.
    """Another client has joined the group with the same stable name. aiokafka lacks its code."""

    errno = 82
    message = "FENCED_INSTANCE_ID"
    description = "another client has joined with this group.instance.id"


errors.kafka_errors[FencedInstanceIdError.errno] = FencedInstanceIdError

_OUTDATED = (
    errors.IllegalGenerationError,
    errors.RebalanceInProgressError,
    errors.UnknownMemberIdError,
)
"""The group has gone on, or is going on, to another generation than the one that was meant."""


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it; of a group of errors, the first."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        else:
            error = error.__cause__ or error.__context__


def is_lasting(error: BaseException) -> bool:
    """Whether Kafka would refuse the same again."""
    return any(isinstance(one, _LASTING) for one in causes(error))


def is_passing(error: BaseException) -> bool:
    """Whether Kafka is away, busy or moving, so that the same is worth trying again."""
    passing = (errors.KafkaError, ConnectionError, TimeoutError)
    return not is_lasting(error) and any(isinstance(one, passing) for one in causes(error))


def is_of_twin(error: BaseException) -> bool:
    """Whether a client cannot join its group because another one has its stable name."""
    # aiokafka puts the representation of an error it does not expect into another one.
    return FencedInstanceIdError.__name__ in str(error)


def is_outdated(error: BaseException) -> bool:
    """Whether this client has to join its group anew before Kafka takes the same from it."""
    return any(isinstance(one, _OUTDATED) for one in causes(error))


async def patiently(
    ask: Callable[[], Awaitable[Answer]], pause_seconds: float = RETRY_PAUSE_SECONDS
) -> Answer:
    """Ask again while coordinators or leaders move; after a minute their KafkaError."""
    give_up_at = time.monotonic() + RETRY_FOR_SECONDS
    while True:
        try:
            return await ask()
        except errors.KafkaError as error:
            passes = error.retriable or isinstance(error, errors.ConcurrentTransactions)
            if not passes or time.monotonic() > give_up_at:
                raise
            await asyncio.sleep(pause_seconds)


def denied_right(error: BaseException | None) -> str:
    """One phrase on the right that is missing; empty when none is."""
    for cause in causes(error):
        if isinstance(cause, DENIED):
            named = ", ".join(_denied_names(cause)) or "(not named)"
            kind, rights = _RIGHTS[type(cause)]
            return (
                f"Kafka does not let this user use {kind} {named}: give it {rights} "
                "(deploy/README.md, Rights in Kafka)"
            )
    return ""


def away(error: BaseException | None) -> str:
    """One phrase on a Kafka that a client could not reach; empty when that is not the trouble."""
    for cause in causes(error):
        if isinstance(cause, errors.KafkaConnectionError):
            text = " ".join(str(cause).split())
            return (
                f"no Kafka broker answers ({text}): start it, or correct HEADWATER_KAFKA; "
                "nothing is lost, and a worker that is started again goes on"
            )
    return ""


def _denied_names(error: BaseException) -> Iterator[str]:
    """aiokafka gives a name, a set of names, or a sentence that ends with the name."""
    for value in error.args:
        names = sorted(value) if isinstance(value, set | frozenset) else [str(value)]
        yield from (name.split()[-1] for name in names if name.strip())


_RIGHTS = {
    errors.TopicAuthorizationFailedError: (
        "topic",
        "Describe, DescribeConfigs, Read and Write on it",
    ),
    errors.GroupAuthorizationFailedError: ("consumer group", "Describe and Read on it"),
    errors.ClusterAuthorizationFailedError: ("the cluster", "IdempotentWrite and Describe on it"),
    errors.TransactionalIdAuthorizationFailed: (
        "transactional id",
        "Describe and Write on the ids that begin so",
    ),
}


def new_consumer(settings: CoreSettings, **options: Any) -> aiokafka.AIOKafkaConsumer:
    """A consumer of committed records, from the oldest on, that never commits by itself.

    `options` are aiokafka's and replace those set here. Needs a running event loop; whoever calls
    starts and stops the consumer.
    """
    bound_inflation()
    chosen = {
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
        # The embedded broker's commit markers carry no checksum.
        "check_crcs": not settings.embedded,
        **options,
    }
    return aiokafka.AIOKafkaConsumer(**settings.client(), **chosen)


def new_producer(settings: CoreSettings, **options: Any) -> aiokafka.AIOKafkaProducer:
    """An idempotent producer that waits for all in-sync replicas; see `new_consumer`."""
    chosen = {
        "acks": "all",
        "enable_idempotence": True,
        "compression_type": settings.compression,
        **options,
    }
    return aiokafka.AIOKafkaProducer(**settings.client(), **chosen)


def is_cancelled() -> bool:
    """Whether the current task was cancelled, even if the exception was lost.

    aiokafka swallows a cancellation that arrives while it opens or closes a client. Whoever
    cancelled the task would then wait for it for ever.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
