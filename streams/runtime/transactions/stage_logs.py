"""The logs of a core worker: which stages share a producer, and taking all of them over.

The stages that decide share one. Apart, none would wait for another's transaction, but there would
be twice as many, and a transaction costs the broker a marker in every partition that it touches.
Measured with broker, core and storing on two busy cores, 1,000 events/s on 4 partitions, runs that
took turns: to the prediction p50 0.26 to 0.37 s and p99 0.55 to 0.68 s together, 0.58 to 0.68 s and
1.13 to 1.24 s apart. Learning writes models, seldom and much at once, and has one of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

from streams.runtime.checkpoint import LogOptions
from streams.runtime.transactions.shared_log import SharedLog
from streams.settings.core import CoreSettings

TakeOver = Callable[[Mapping[str, str]], Awaitable[None]]
"""Makes the producers with these transactional ids, by stage, the only ones for their lanes."""


_OWN_LOG = frozenset({"learning"})


def log_of(stage: str) -> str:
    """The name of the log that a stage commits to."""
    return stage if stage in _OWN_LOG else "deciding"


class StageLogs:
    """Call `begin` for every generation of the group, before its lanes decide; `close` last."""

    def __init__(
        self, settings: CoreSettings, stages: Iterable[str], options: LogOptions | None = None
    ) -> None:
        names = dict.fromkeys(map(log_of, stages))
        self._logs = {name: SharedLog(settings, name, options) for name in names}

    def of(self, stage: str) -> SharedLog:
        return self._logs[log_of(stage)]

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
        names = list(dict.fromkeys(map(log_of, stages)))
        opening = [self._logs[name].open() for name in names]
        # All of them are done, or have failed, before the first failure is told.
        opened = await asyncio.gather(*opening, return_exceptions=True)
        ids: dict[str, str] = {}
        for name, transactional_id in zip(names, opened, strict=True):
            if isinstance(transactional_id, BaseException):
                raise transactional_id
            ids[name] = transactional_id
        await take_over({stage: ids[log_of(stage)] for stage in stages})
        for name, transactional_id in ids.items():
            self._logs[name].admit(transactional_id)

    async def close(self) -> None:
        """Disconnect; what is not committed fails. Waits a few seconds for Kafka at most."""
        await asyncio.gather(*(log.close() for log in self._logs.values()))
