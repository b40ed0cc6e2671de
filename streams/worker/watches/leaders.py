"""Which partitions nobody leads, as the regular look at a worker's topics finds it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from streams.runtime.identity import KnownLogs
from streams.runtime.offsets import Offsets
from streams.runtime.reports import Readiness
from streams.settings.core import CoreSettings
from streams.stages.contract import TopicPartition
from streams.worker.watches.obstacles import obstacle, without_leader

_logger = logging.getLogger("headwater")


class Leaders:
    """Says once which partitions have none, and once that all have one again. Others go on."""

    def __init__(self, settings: CoreSettings, offsets: Offsets, topics: Sequence[str]) -> None:
        """`topics`: those that the worker reads, and its changelogs."""
        self._settings = settings
        self._offsets = offsets
        self._topics = topics
        self.lacking: frozenset[TopicPartition] = frozenset()

    async def look(self) -> KnownLogs:
        """The logs behind the topics. Raises aiokafka's KafkaError."""
        found, before = await self._offsets.look(self._topics), self.lacking
        self.lacking = found.leaderless
        if found.leaderless - before:
            _logger.warning("%s; all others go on", without_leader(found.leaderless))
        elif before and not found.leaderless:
            _logger.warning("every partition has a leader again")
        return found.logs

    async def obstacle(self) -> str:
        """What Kafka lacks of all that the worker needs; see `obstacle`."""
        return await obstacle(self._settings, self._offsets)

    def beside(self, ready: Readiness) -> Readiness:
        """The same, with the partitions that nobody can read."""
        if not self.lacking:
            return ready
        return ready._replace(reason=f"{ready.reason}; {without_leader(self.lacking)}")
