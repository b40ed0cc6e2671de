"""What a worker logs: short lines, and of libraries only what is critical."""

from __future__ import annotations

import logging
import sys
import threading
import warnings

# Faust logs through the modules of its subclasses, too. A failing worker prints one line itself.
_NOISY = (
    "faust",
    "mode",
    "aiokafka",
    "asyncio",
    "clickhouse_driver",
    "streams.worker.core_worker",
    "streams.worker.storing.storing_run",
    "streams.worker.storing_worker",
    "streams.agents",
    "streams.runtime.faust.consumer_thread",
    "streams.runtime.faust.internals",
    "streams.runtime.faust.transport",
)
_logger = logging.getLogger("headwater")


def _log_end_of_thread(ended: threading.ExceptHookArgs) -> None:
    _logger.debug("a thread has ended: %r", ended.exc_value)


def configure_logs(level: str) -> None:
    """Log short lines to stderr; of libraries, only what is critical, or warnings at `debug`."""
    chosen = logging.getLevelName(level.upper())
    logging.basicConfig(
        stream=sys.stderr,
        level=chosen,
        format="%(asctime)s %(levelname).1s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
    )
    # Faust's threads end with an exception where Kafka is away; the worker has said so in a line.
    threading.excepthook = _log_end_of_thread
    if level != "debug":
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.CRITICAL if level != "debug" else logging.WARNING)
