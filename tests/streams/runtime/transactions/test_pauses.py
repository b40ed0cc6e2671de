"""How long a transaction waits for the one before it."""

from __future__ import annotations

import asyncio

import aiokafka
import pytest
from aiokafka.errors import ConcurrentTransactions
from aiokafka.producer import sender
from aiokafka.protocol.transaction import AddPartitionsToTxnResponse_v0

from streams.runtime.faust.internals import hasten_transactions


def test_a_transaction_that_comes_too_soon_waits_as_long_as_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sender, "BACKOFF_OVERRIDE", sender.BACKOFF_OVERRIDE)

    async def story() -> None:
        hasten_transactions(0.003)
        producer = aiokafka.AIOKafkaProducer(transactional_id="id", retry_backoff_ms=77)
        handler = sender.AddPartitionsToTxnHandler(producer._sender, [])
        refused = AddPartitionsToTxnResponse_v0(0, [("match", [(0, ConcurrentTransactions.errno)])])
        assert handler.handle_response(refused) == 0.003

    asyncio.run(story())
