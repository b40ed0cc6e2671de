"""The logs of a core worker: one for each stage, so that no stage waits for another's transaction.

They are taken over together: one round of fencing and one claim for all lanes of a generation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

from streams.runtime.checkpoint import LogOptions
from streams.runtime.transactions.shared_log import SharedLog
from streams.settings.core import CoreSettings

TakeOver = Callable[[Mapping[str, str]], Awaitable[None]]
"""Makes the producers with these transactional ids, by stage, the only ones for their lanes."""


class StageLogs:
    """Call `begin` for every generation of the group, before its lanes decide; `close` last."""

    def __init__(
        self, settings: CoreSettings, stages: Iterable[str], options: LogOptions | None = None
    ) -> None:
        self._logs = {stage: SharedLog(settings, stage, options) for stage in stages}

    def of(self, stage: str) -> SharedLog:
        return self._logs[stage]

    @property
    def waiting_seconds(self) -> float:
        """For how long the slowest transaction under way has waited for Kafka; 0: there is none."""
        return max((log.waiting_seconds for log in self._logs.values()), default=0.0)

    async def begin(self, stages: Collection[str], take_over: TakeOver) -> None:
        """Give up the former producers, and commit with new ones for these stages.

        Raises aiokafka's KafkaError, and what `take_over` raises: then no stage may commit, and it
        has to be called again, which gives up and fences whatever came into being meanwhile.
        """
        await self.close()
        if not stages:
            return
        opening = [self._logs[stage].open() for stage in stages]
        # All of them are done, or have failed, before the first failure is told.
        opened = await asyncio.gather(*opening, return_exceptions=True)
        owners: dict[str, str] = {}
        for stage, transactional_id in zip(stages, opened, strict=True):
            if isinstance(transactional_id, BaseException):
                raise transactional_id
            owners[stage] = transactional_id
        await take_over(owners)
        for stage, transactional_id in owners.items():
            self._logs[stage].admit(transactional_id)

    async def close(self) -> None:
        """Disconnect; what is not committed fails. Waits a few seconds for Kafka at most."""
        await asyncio.gather(*(log.close() for log in self._logs.values()))
