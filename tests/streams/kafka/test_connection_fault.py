"""What keeps a client from using a broker is named, with the setting to look at."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

import pytest
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnsupportedSaslMechanismError,
)

from streams.kafka.broker_watch import BrokerWatch
from streams.kafka.connection_fault import connection_fault, fault_text
from streams.lab.bench.free_port import free_port
from streams.runtime.checkpoint import CheckpointError
from streams.runtime.clients import away, denied_right, is_lasting, is_passing

SASL = {"security_protocol": "SASL_SSL", "sasl_plain_username": "hw", "sasl_mechanism": "PLAIN"}


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (SaslAuthenticationFailed("x"), ("refuses user hw", "HEADWATER_KAFKA_PASSWORD")),
        (UnsupportedSaslMechanismError("x"), ("PLAIN", "HEADWATER_KAFKA_SASL_MECHANISM")),
        (IllegalSaslStateError("x"), ("sign in", "HEADWATER_KAFKA_SECURITY")),
        (ssl.SSLCertVerificationError(1, "self-signed"), ("HEADWATER_KAFKA_CA_CERTIFICATE",)),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), ("TLS", "HEADWATER_KAFKA_SECURITY")),
        (KafkaConnectionError("Connection closed"), ("hangs up", "HEADWATER_KAFKA_SECURITY")),
        (socket.gaierror(-2, "unknown"), ("name is not known", "HEADWATER_KAFKA")),
        (ConnectionRefusedError(), ("no Kafka broker answers at b:9", "nothing listens")),
        (TimeoutError(), ("no Kafka broker answers at b:9", "in time")),
        (ValueError("Server sent wrong signature!"), ("HEADWATER_KAFKA_PASSWORD",)),
    ],
)
def test_each_fault_names_the_address_and_the_setting(
    error: Exception, named: tuple[str, ...]
) -> None:
    text = fault_text(error, SASL, "b:9")
    assert "\n" not in text
    assert all(part in text for part in ("b:9", *named)), text


def test_where_nobody_listens_that_is_said() -> None:
    client = {"bootstrap_servers": f"127.0.0.1:{free_port()}"}
    assert "nothing listens there" in asyncio.run(connection_fault(client, seconds=5))


def test_a_port_that_takes_connections_and_never_answers_is_noticed_in_time() -> None:
    """As a broker does that hangs."""

    async def story() -> float:
        async def hang(reader: Any, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(hang, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        watch = BrokerWatch({"bootstrap_servers": f"127.0.0.1:{port}"})
        watching = asyncio.create_task(watch.run(lambda: False))
        began = asyncio.get_running_loop().time()
        for _ in range(1_000):
            if watch.fault:
                break
            await asyncio.sleep(0.02)
        took = asyncio.get_running_loop().time() - began
        assert "no answer in time" in watch.fault
        watching.cancel()
        await asyncio.wait([watching])
        server.close()
        return took

    assert asyncio.run(story()) < 5.0


def test_rights_that_are_missing_are_named_from_whatever_they_led_to() -> None:
    error = CheckpointError("lane x could not commit")
    error.__cause__ = RuntimeError("Unexpected error")
    error.__cause__.__cause__ = TopicAuthorizationFailedError("ledger")
    assert "topic ledger" in denied_right(error)
    assert is_lasting(error)
    assert not is_passing(error)
    denied = denied_right(TransactionalIdAuthorizationFailed("headwater-intake-0"))
    assert "transactional id headwater-intake-0" in denied
    sentence = GroupAuthorizationFailedError("Unable to get coordinator id for headwater-core")
    assert "use consumer group headwater-core: give" in denied_right(sentence)
    assert "topic a, b: give" in denied_right(TopicAuthorizationFailedError({"b", "a"}))
    assert denied_right(KafkaConnectionError("x")) == ""
    assert is_passing(KafkaConnectionError("x"))


def test_a_broker_that_is_away_when_a_client_starts_is_named_with_what_to_do() -> None:
    group = ExceptionGroup("lanes", [KafkaConnectionError("Unable to bootstrap from b:1")])
    assert "no Kafka broker answers (" in away(group)
    assert "b:1): start it, or correct HEADWATER_KAFKA" in away(group)
    assert away(ValueError("another")) == ""
