"""Why no broker can be used, in words that say which setting to look at.

aiokafka logs the reason of each failed attempt and raises one error for all of them. So the first
address is tried once more here, step by step: name, port, TLS, signing in, and a first request.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from typing import Any

from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

ANSWER_SECONDS = 10.0
_FAULTS = (KafkaError, OSError, TimeoutError, ValueError)


async def connection_fault(
    client: Mapping[str, Any], error: BaseException | None = None, seconds: float = ANSWER_SECONDS
) -> str:
    """One phrase on why the brokers of a client's options cannot be used.

    When they can be used by now, the phrase is about `error`, which was raised before.
    """
    faults = []
    for host, port, _ in collect_hosts(client["bootstrap_servers"], randomize=False):
        try:
            connection = await connected(client, host, port, seconds)
        except _FAULTS as found:
            faults.append(fault_text(found, client, f"{host}:{port}"))
        else:
            connection.close()
            return f"Kafka at {host}:{port} answers again, after: {error}" if error else ""
    # All refuse for the same reason, or the first one stands for the others.
    return faults[0] if faults else f"there is no address in {client['bootstrap_servers']}"


async def connected(
    client: Mapping[str, Any], host: str, port: int, seconds: float
) -> AIOKafkaConnection:
    """A connection that is signed in and has answered a request; else whatever was raised."""
    options = {key: value for key, value in client.items() if key != "bootstrap_servers"}
    async with asyncio.timeout(seconds):
        connection = await create_conn(
            host,
            port,
            client_id="headwater-probe",
            request_timeout_ms=int(seconds * 1000),
            **options,
        )
        try:
            await answered(connection)
        except BaseException:
            connection.close()
            raise
    return connection


async def answered(connection: AIOKafkaConnection) -> None:
    """Wait for the answer to a small request; a broker that wants TLS or SASL hangs up instead."""
    await connection.send(MetadataRequest([]))


def fault_text(error: BaseException, client: Mapping[str, Any], where: str) -> str:
    """What the error says about an address, and what to look at."""
    refusal = _tls_refusal(error) or _sign_in_refusal(error, client)
    if refusal:
        return f"Kafka at {where} {refusal}"
    protocol = client.get("security_protocol", "PLAINTEXT")
    text = " ".join(str(error).split())
    match error:
        case socket.gaierror():
            why = "this host name is not known"
        case ConnectionRefusedError():
            why = "nothing listens there"
        case TimeoutError():
            why = "no answer in time"
        case KafkaError() | ConnectionError() if protocol != "PLAINTEXT" or "closed" in text:
            return (
                f"Kafka at {where} hangs up on {protocol}: it is stopping, or the port wants "
                "another HEADWATER_KAFKA_SECURITY"
            )
        case _:
            why = text or type(error).__name__
    return f"no Kafka broker answers at {where} ({why}): start it, or correct HEADWATER_KAFKA"


def _tls_refusal(error: BaseException) -> str:
    """Empty when the error is not about TLS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = getattr(error, "verify_message", str(error))
        return (
            f"has a certificate that is not trusted ({why}): check HEADWATER_KAFKA_CA_CERTIFICATE,"
            " and that HEADWATER_KAFKA names the host as the certificate does"
        )
    if isinstance(error, ssl.SSLError):
        why = getattr(error, "reason", "") or str(error)
        return (
            f"does not complete the TLS handshake ({why}): is it a port without TLS, or does it "
            "want a certificate of ours? Check HEADWATER_KAFKA_SECURITY and "
            "HEADWATER_KAFKA_CLIENT_CERTIFICATE"
        )
    return ""


def _sign_in_refusal(error: BaseException, client: Mapping[str, Any]) -> str:
    """Empty when the error is not about signing in."""
    match error:
        case SaslAuthenticationFailed():
            return (
                f"refuses user {client.get('sasl_plain_username')}: check "
                "HEADWATER_KAFKA_USERNAME and HEADWATER_KAFKA_PASSWORD"
            )
        case UnsupportedSaslMechanismError():
            return (
                f"does not offer {client.get('sasl_mechanism')} to sign in: check "
                "HEADWATER_KAFKA_SASL_MECHANISM"
            )
        case IllegalSaslStateError():
            return "asks nobody to sign in on this port: check HEADWATER_KAFKA_SECURITY"
        case ValueError():
            return (
                f"did not sign itself in ({error}): check HEADWATER_KAFKA_USERNAME and "
                "HEADWATER_KAFKA_PASSWORD"
            )
    return ""
