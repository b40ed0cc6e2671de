"""Who asked to be forgotten is counted until their rows are anonymous."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.outcomes import PrivacyRow
from schemas.time import EventMs
from streams.store.base import QueryResult, Store, UnavailableError
from streams.store.erasure import erase_rows
from streams.store.erasure.waiting_since import waiting_since
from streams.store.sink.storing_observer import StoringObserver
from streams.worker.report_requests import report_requests
from tests.worlds.stores.fact_outcomes import privacy_receipt
from tests.worlds.stores.store_world import every_kind, put
from tests.worlds.stores.traffic_outcomes import NOON

pytest.importorskip("chdb")

SECRET = b"a secret of the installation, 32 bytes"
(ASKED,) = (one for one in every_kind() if isinstance(one, PrivacyRow))


class Seen(StoringObserver):
    def __init__(self) -> None:
        self.waiting: list[tuple[int, float]] = []

    def on_waiting_requests(self, count: int, oldest_seconds: float) -> None:
        self.waiting.append((count, oldest_seconds))


def test_a_request_waits_from_the_time_it_was_submitted_until_a_run(store: Store) -> None:
    later = replace(
        ASKED, subject_request_id="r2", submitted_time=EventMs(NOON + 5_000), source_offset=1
    )
    access = replace(ASKED, subject_request_id="r3", request_type="access", source_offset=2)
    assert waiting_since(store) == (0, 0.0)
    put(store, [later, ASKED, access, privacy_receipt("i1")])
    assert waiting_since(store) == (2, NOON / 1000)
    list(erase_rows(store, SECRET))
    assert waiting_since(store) == (1, NOON / 1000 + 5)  # r2 has no receipt that could be taken up.


class AwayAtFirst:
    """A store that does not answer the first time that it is asked."""

    def __init__(self, store: Store) -> None:
        self.store, self.asked = store, 0

    def query(self, sql: str) -> QueryResult:
        self.asked += 1
        if self.asked == 1:
            raise UnavailableError("away")
        return self.store.query(sql)


def test_the_age_is_reported_and_a_store_that_is_away_is_asked_again(store: Store) -> None:
    put(store, [ASKED])
    seen, away = Seen(), AwayAtFirst(store)
    before: list[int] = []

    async def pause(seconds: float) -> None:
        before.append(len(seen.waiting))
        if len(before) == 2:
            raise asyncio.CancelledError

    async def look() -> None:
        with ThreadPoolExecutor(1) as threads, contextlib.suppress(asyncio.CancelledError):
            asked: Any = away
            await report_requests(asked, threads, seen, lambda: NOON / 1000 + 90, pause)

    asyncio.run(look())
    assert before == [0, 1]
    assert seen.waiting == [(1, 90.0)]
