"""A worker joins its group only once it knows the partitions of every topic it reads."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from streams.runtime.faust import consumer_thread
from streams.runtime.faust.app import batch_app
from streams.settings.core import CoreSettings

TOPICS = frozenset({"t-match", "t-ledger"})


class Client:
    """aiokafka's consumer just after it has subscribed; answers[n] ends the n-th question."""

    def __init__(self, answers: list[frozenset[str]]) -> None:
        self._client = self
        self._fetcher = self
        self._known: frozenset[str] = frozenset()
        self.answers = answers

    def subscription(self) -> frozenset[str]:
        return TOPICS

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return {0, 1} if topic in self._known else None

    async def _proc_fetch_request(self, *_: Any) -> bool:
        return False

    async def force_metadata_update(self) -> bool:
        if not self.answers:
            await asyncio.Event().wait()
        self._known = self.answers.pop(0)
        return bool(self._known)


def thread_with(client: Client, monkeypatch: pytest.MonkeyPatch) -> Any:
    async def new_thread() -> Any:
        return batch_app(CoreSettings("127.0.0.1:1")).consumer.thread

    async def main_has_revoked(*_: Any) -> None:
        """The other event loop has let go of the partitions."""

    monkeypatch.setattr(consumer_thread, "_ASK_AGAIN_SECONDS", 0.0)
    thread = asyncio.run(new_thread())
    thread._consumer = client
    thread.consumer.threadsafe_partitions_revoked = main_has_revoked
    return thread


def test_it_asks_until_kafka_has_named_the_partitions_of_all_topics(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    away, starting = frozenset[str](), frozenset({"t-match"})
    client = Client([away, away, starting, TOPICS, away])
    thread = thread_with(client, monkeypatch)
    thread.thread_loop.run_until_complete(thread.on_partitions_revoked(set()))
    assert client.answers == [away], "it asks no more than it has to"
    assert all(map(client.partitions_for_topic, TOPICS))


def test_a_stop_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    thread = thread_with(Client([]), monkeypatch)

    async def story() -> None:
        joining = asyncio.create_task(thread.on_partitions_revoked(set()))
        await asyncio.sleep(0)
        thread._stopped.set()
        await asyncio.wait_for(joining, 30)

    thread.thread_loop.run_until_complete(story())
