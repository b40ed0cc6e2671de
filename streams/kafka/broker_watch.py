"""Watches the broker, so that a worker tells within seconds that Kafka is away, and why.

The clients of a worker retry by themselves for as long as it takes, each on its own and silently.
This asks the broker a small question every second on a connection of its own, says once when there
is no answer, and once when the worker is at work again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiokafka.conn import AIOKafkaConnection, collect_hosts
from aiokafka.errors import KafkaError

from streams.kafka.connection_fault import answered, connected, explained, fault_text

_LOOK_SECONDS = 1.0
_ANSWER_SECONDS_MAX = 2.5
"""Both together stay below the five seconds within which /readyz has to know."""

_EXPLAIN_SECONDS = 0.4

_FAULTS = (KafkaError, OSError, TimeoutError, ValueError)
_logger = logging.getLogger("headwater")


class BrokerWatch:
    """Whether a broker answers. Run `run` beside the worker; `fault` is empty while one does."""

    def __init__(self, client: Mapping[str, Any], clock: Callable[[], float] = time.monotonic):
        """`client` has aiokafka's options, as every client of the worker gets them."""
        self._client = client
        self._clock = clock
        self._connection: AIOKafkaConnection | None = None
        self._since: float | None = None
        self.fault = ""

    async def run(self, is_well: Callable[[], bool]) -> None:
        """Look every second until cancelled. `is_well`: the worker is at work."""
        try:
            while True:
                self._tell(await self._look(), is_well)
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            self._drop()

    def _tell(self, fault: str, is_well: Callable[[], bool]) -> None:
        if fault:
            if self._since is None:
                self._since = self._clock()
                _logger.warning("%s: nothing is lost, and work goes on once it is back", fault)
            self.fault = fault
            return
        self.fault = ""
        if self._since is not None and is_well():
            away = self._clock() - self._since
            self._since = None
            _logger.warning("Kafka is back, and work goes on after %.0f s", away)

    @property
    def is_recovering(self) -> bool:
        """Whether the broker was away and the worker is not at work again yet."""
        return self._since is not None

    async def _look(self) -> str:
        """Empty when a broker answers."""
        fault = ""
        if self._connection is not None and self._connection.connected():
            try:
                async with asyncio.timeout(_ANSWER_SECONDS_MAX):
                    await answered(self._connection)
                return ""
            except TimeoutError as error:
                where = f"{self._connection.host}:{self._connection.port}"
                fault = fault_text(error, self._client, where)
                self._drop()
                return fault
            except _FAULTS:
                pass  # Connecting anew tells why.
        self._drop()
        hosts = collect_hosts(self._client["bootstrap_servers"], randomize=False)
        tries = [
            connected(self._client, host, port, _ANSWER_SECONDS_MAX) for host, port, _ in hosts
        ]
        answers = await asyncio.gather(*tries, return_exceptions=True)
        for host, found in zip(hosts, answers, strict=True):
            if isinstance(found, AIOKafkaConnection):
                self._drop()  # Another address has answered, too.
                self._connection = found
            elif isinstance(found, _FAULTS):
                fault = fault or await self._explained(found, host[:2])
            else:
                raise found
        return "" if self._connection else fault

    async def _explained(self, found: BaseException, where: tuple[str, int]) -> str:
        if isinstance(found, TimeoutError):
            # Whoever hangs does so at the next question, too, and the five seconds would be over.
            return fault_text(found, self._client, f"{where[0]}:{where[1]}")
        return await explained(found, self._client, where, _EXPLAIN_SECONDS)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.close()
