"""A worker that Kafka does not let into its group ends, although Faust would wait for ever."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import faust
import pytest
from aiokafka.errors import GroupAuthorizationFailedError

from streams.runtime.faust.app import run_faust


class Refused:
    """An app whose start waits for partitions that never come."""

    crash_reason: BaseException | None = None

    def __init__(self) -> None:
        self._crashed = asyncio.Event()
        self.consumer: Any = self
        self.is_cut_short = False

    async def start(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.is_cut_short = True

    async def refusal(self) -> BaseException:
        error: BaseException = GroupAuthorizationFailedError("headwater-core")
        return error


def test_the_refusal_ends_the_wait_for_partitions() -> None:
    async def story() -> None:
        app = Refused()
        with pytest.raises(GroupAuthorizationFailedError, match="headwater-core"):
            await asyncio.wait_for(run_faust(cast(faust.App, app)), 10)
        await asyncio.sleep(0)
        assert app.is_cut_short

    asyncio.run(story())
