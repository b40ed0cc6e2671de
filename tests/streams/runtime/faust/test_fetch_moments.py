"""When a partition was last fetched, as the consumer's thread notes it."""

from __future__ import annotations

import asyncio
import inspect
import time
from types import SimpleNamespace
from typing import Any

import aiokafka
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import Fetcher

from streams.runtime.faust.fetch_moments import NOT_FETCHED, FetchMoments
from streams.runtime.faust.internals import watch_fetches


def test_a_fetch_is_noted_once_it_is_answered_with_the_moment_at_which_it_began() -> None:
    """Also when it brings nothing; not when the answer is lost, or of an earlier position."""

    class Answers:
        def __init__(self) -> None:
            self.answered = [TopicPartition("installs", 0), TopicPartition("installs", 1)]
            self.states = {tp: SimpleNamespace(timestamp=7) for tp in self.answered}
            self.began = 0.0

        def state_value(self, tp: TopicPartition) -> SimpleNamespace:
            return self.states[tp]

        async def _proc_fetch_request(self, assignment: Any, node_id: int, request: Any) -> bool:
            self.began = time.monotonic()
            for tp in self.answered:
                self.states[tp].timestamp += 1
            return False

    async def story() -> None:
        client, moments, answers = (
            aiokafka.AIOKafkaConsumer(group_id="g"),
            FetchMoments(),
            Answers(),
        )
        client._fetcher = answers
        watch_fetches(client, moments)
        watch_fetches(client, moments)
        request = SimpleNamespace(topics=[("installs", [(0, 5, 100), (1, 5, 100)])])
        assert moments.of(TopicPartition("installs", 0)) == NOT_FETCHED
        assert not await client._fetcher._proc_fetch_request(answers, 1, request)
        first = moments.of(TopicPartition("installs", 0))
        assert NOT_FETCHED < first <= answers.began
        assert moments.of(TopicPartition("installs", 1)) == NOT_FETCHED, "nobody had asked for it"
        answers.answered = [TopicPartition("installs", 1)]
        await client._fetcher._proc_fetch_request(answers, 1, request)
        assert moments.of(TopicPartition("installs", 0)) == first
        assert moments.of(TopicPartition("installs", 1)) > first
        client._fetcher = None

    asyncio.run(story())
    source = inspect.getsource(Fetcher._proc_fetch_request)
    assert source.index("tp_state.highwater = ") < source.index("tp_state.timestamp = now_ms")
    assert "self._proc_fetch_request(assignment, node_id, request)" in inspect.getsource(
        Fetcher._fetch_requests_routine
    )
