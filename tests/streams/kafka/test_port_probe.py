"""A port that only hangs up is asked what it wants, and the answer names the setting."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from streams.kafka.connection_fault import connection_fault
from tests.native_server.certificates import tls_of

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.close()


async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


def sign_in(code: int) -> Talk:
    """A broker that answers a wish to sign in with this code, and hangs up on anything else."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size, key, _, correlation = struct.unpack(">ihhi", await reader.readexactly(12))
        if key == 17:
            await reader.readexactly(size - 8)
            writer.write(struct.pack(">iih", 6, correlation, code))
            await writer.drain()
        writer.close()

    return talk


@dataclass(frozen=True)
class Ways:
    """The contexts of servers and of their clients."""

    server: ssl.SSLContext
    demanding: ssl.SSLContext
    expired: ssl.SSLContext
    elsewhere: ssl.SSLContext
    trusting: ssl.SSLContext


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Ways:
    folder = tmp_path_factory.mktemp("ways")
    server, authority = tls_of(folder / "right")
    demanding, other = tls_of(folder / "demanding")
    demanding.verify_mode = ssl.CERT_REQUIRED
    demanding.load_verify_locations(authority)
    expired, old = tls_of(folder / "expired", until=datetime(2020, 2, 1, tzinfo=UTC))
    elsewhere, far = tls_of(folder / "elsewhere", "kafka.example")
    trusting = ssl.create_default_context(cafile=str(authority))
    for more in (other, old, far):
        trusting.load_verify_locations(more)
    return Ways(server, demanding, expired, elsewhere, trusting)


async def asked(port: int, protocol: str, ours: ssl.SSLContext | None, seconds: float) -> str:
    client: dict[str, Any] = {
        "bootstrap_servers": f"localhost:{port}",
        "security_protocol": protocol,
    }
    if protocol.endswith("SSL"):
        client["ssl_context"] = ours
    return await connection_fault(client, seconds=seconds)


def fault(
    talk: Talk,
    protocol: str,
    at: ssl.SSLContext | None,
    ours: ssl.SSLContext | None = None,
    seconds: float = 1.0,
) -> str:
    async def ask() -> str:
        server = await asyncio.start_server(talk, "localhost", 0, ssl=at)
        port = server.sockets[0].getsockname()[1]
        try:
            return await asked(port, protocol, ours, seconds)
        finally:
            server.close()

    text = asyncio.run(ask())
    assert "\n" not in text
    return text


def test_a_client_without_tls_is_told_to_use_it(ways: Ways) -> None:
    """Its reader takes the alert for the length of a message, and would wait for the rest."""
    assert "set HEADWATER_KAFKA_SECURITY=SSL" in fault(stay_silent, "PLAINTEXT", ways.server)


def test_a_client_with_tls_is_told_of_a_port_without(ways: Ways) -> None:
    text = fault(sign_in(34), "SSL", None, ways.trusting)
    assert "set HEADWATER_KAFKA_SECURITY=PLAINTEXT" in text


def test_a_client_that_does_not_sign_in_is_told_to(ways: Ways) -> None:
    assert "HEADWATER_KAFKA_SECURITY=SASL_PLAINTEXT" in fault(sign_in(33), "PLAINTEXT", None)
    assert "HEADWATER_KAFKA_SECURITY=SASL_SSL" in fault(
        sign_in(0), "SSL", ways.server, ways.trusting
    )


def test_a_port_that_wants_our_certificate_says_so(ways: Ways) -> None:
    """A thread answers: the servers of asyncio close before their alert is sent."""
    with socket.create_server(("localhost", 0)) as listening:

        def refuse() -> None:
            for _ in range(3):  # the attempt, and the questions that follow it
                accepted = listening.accept()[0]
                with contextlib.suppress(OSError):
                    ways.demanding.wrap_socket(accepted, server_side=True)
                accepted.close()

        threading.Thread(target=refuse, daemon=True).start()
        text = asyncio.run(asked(listening.getsockname()[1], "SSL", ways.trusting, 1.0))
    assert "HEADWATER_KAFKA_CLIENT_CERTIFICATE" in text


def test_an_expired_certificate_and_another_host_have_advice_of_their_own(ways: Ways) -> None:
    assert "give Kafka a new one" in fault(hang_up, "SSL", ways.expired, ways.trusting)
    text = fault(hang_up, "SSL", ways.elsewhere, ways.trusting)
    assert "as its certificate does" in text
    assert "CA_CERTIFICATE" not in text


@pytest.mark.parametrize("talk", [hang_up, stay_silent])
@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL"])
def test_a_broker_that_stops_or_hangs_gives_no_advice_on_its_protocol(
    ways: Ways, talk: Talk, protocol: str
) -> None:
    at = ways.server if protocol == "SSL" else None
    text = fault(talk, protocol, at, ways.trusting, seconds=0.2)
    assert "set HEADWATER_KAFKA_SECURITY=" not in text
    assert "no Kafka broker answers" in text or "hangs up" in text
