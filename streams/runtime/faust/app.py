"""The Faust app that both workers build on: whole poll batches in, and nothing else of Faust."""

from __future__ import annotations

import asyncio
import logging
import sys

import faust
import mode

from streams.errors import in_one_line
from streams.runtime.clients import away, denied_right
from streams.runtime.faust.batches import BatchScheduler
from streams.runtime.faust.consumer_thread import ConsumerOptions
from streams.runtime.faust.internals import FolderlessApp, wait_until_crashed
from streams.runtime.faust.transport import BatchTransport, broker_urls
from streams.settings.core import CoreSettings

FOR_EVER_SECONDS = 365 * 86_400.0
"""Faust waits so long for the committed offsets after an assignment. Where that takes longer
because Kafka is away, it gives up and never polls again."""

LIBRARIES = ("faust", "mode", "aiokafka", "asyncio", "clickhouse_driver")
logger = logging.getLogger(__name__)


def batch_app(
    settings: CoreSettings, single_partition_topics: frozenset[str] = frozenset()
) -> faust.App:
    """An app without tables, web server and acknowledgements: checkpoints own the offsets.

    Each of `single_partition_topics` (with prefix) is assigned on its own; all other topics are
    assigned together, by partition number.
    """
    app = FolderlessApp(
        settings.group_id,
        broker=broker_urls(settings),
        ConsumerScheduler=BatchScheduler,
        agent_supervisor=mode.CrashingSupervisor,
        stream_buffer_maxsize=2,  # counts poll batches
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        store="memory://",
        autodiscover=False,
        broker_max_poll_records=settings.poll_records_max,
        broker_session_timeout=settings.session_timeout_seconds,
        broker_request_timeout=FOR_EVER_SECONDS,
        producer_request_timeout=settings.request_timeout_seconds,
    )
    transport = BatchTransport(app, ConsumerOptions(settings, single_partition_topics))
    app.transport = app.producer_transport = transport
    return app


async def run_faust(app: faust.App) -> None:
    """Start the app and wait. Raises why Faust gave up, or why Kafka refuses its group."""
    # Faust counts as started once it has partitions, which a refused group never gets.
    refusal = asyncio.create_task(app.consumer.refusal())
    running = asyncio.create_task(_start_and_wait(app))
    try:
        await asyncio.wait([refusal, running], return_when=asyncio.FIRST_COMPLETED)
        if refusal.done():
            raise refusal.result()
        running.result()
    finally:
        refusal.cancel()
        running.cancel()
    raise app.crash_reason or RuntimeError("Faust stopped without a reason")


async def _start_and_wait(app: faust.App) -> None:
    await app.start()
    await wait_until_crashed(app)


def report(error: BaseException | None) -> int:
    """Say in one line on stderr why a worker ends; returns its exit code."""
    text = denied_right(error) or away(error) or in_one_line(error)
    print(f"headwater worker: {text}", file=sys.stderr)
    logger.debug("worker failed", exc_info=error)
    return 1


def silence_libraries() -> None:
    """Keep libraries from logging to stderr, where a failing worker prints one line.

    A logger that has a handler already is left as it is.
    """
    for name in LIBRARIES:
        library = logging.getLogger(name)
        if not library.hasHandlers():
            library.addHandler(logging.NullHandler())
