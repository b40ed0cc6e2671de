"""Why no broker can be used, in words that say which setting to look at.

aiokafka logs the reason of each failed attempt and raises one error for all of them. So the first
address is tried once more here, step by step: name, port, TLS, signing in, and a first request.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from typing import Any, Final

from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    IncompatibleBrokerVersion,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from streams.kafka.port_probe import own_certificate_refused, port_fault

ANSWER_SECONDS = 10.0
_FAULTS = (KafkaError, OSError, TimeoutError, ValueError)
_EXPIRED, _NOT_YET, _OTHER_HOST, _OTHER_ADDRESS = 10, 9, 62, 64  # X509_V_ERR_… of OpenSSL
_CERTIFICATE_ADVICE: Final[Mapping[int, str]] = {
    _EXPIRED: "give Kafka a new one, and check the clock of this machine",
    _NOT_YET: "check the clocks of Kafka and of this machine",
    _OTHER_HOST: "name Kafka in HEADWATER_KAFKA as its certificate does",
    _OTHER_ADDRESS: "name Kafka in HEADWATER_KAFKA as its certificate does",
}


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
            faults.append(await explained(found, client, (host, port), seconds))
        else:
            where = f"{host}:{port}"
            if astray := await _advertised_fault(connection, client, seconds):
                advice = "correct its advertised.listeners"
                return f"{astray}; Kafka at {where} gives this address: {advice}"
            return f"Kafka at {where} answers again, after: {error}" if error else ""
    # All refuse for the same reason, or the first one stands for the others.
    return faults[0] if faults else f"there is no address in {client['bootstrap_servers']}"


async def advertised_fault(client: Mapping[str, Any], seconds: float) -> str:
    """One phrase on a broker to which others send clients and that cannot be used from here; empty
    when all can, or no address of the client's options answers."""
    for host, port, _ in collect_hosts(client["bootstrap_servers"], randomize=False):
        try:
            connection = await connected(client, host, port, seconds)
        except _FAULTS:
            continue
        return await _advertised_fault(connection, client, seconds)
    return ""


async def explained(
    error: BaseException, client: Mapping[str, Any], where: tuple[str, int], seconds: float
) -> str:
    """Like `fault_text`; a port that only hung up is asked what it wants."""
    says_nothing = isinstance(error, KafkaError | ConnectionError | TimeoutError) and not (
        isinstance(error, ConnectionRefusedError) or _sign_in_refusal(error, client)
    )
    if says_nothing and (wanted := await port_fault(client, where, seconds)):
        return f"Kafka at {where[0]}:{where[1]} {wanted}"
    return fault_text(error, client, f"{where[0]}:{where[1]}")


async def _advertised_fault(
    connection: AIOKafkaConnection, client: Mapping[str, Any], seconds: float
) -> str:
    """Why an address cannot be used to which a broker sends its clients; empty when all can."""
    try:
        answer = await answered(connection)
        brokers = [(host, port) for _, host, port, *_ in answer.brokers]
    except _FAULTS:
        return ""  # The broker has gone meanwhile; the caller knows another error.
    finally:
        connection.close()
    for host, port in brokers:
        try:
            (await connected(client, host, port, seconds)).close()
        except _FAULTS as found:
            return await explained(found, client, (host, port), seconds)
    return ""


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


async def answered(connection: AIOKafkaConnection) -> Any:
    """The answer to a small request; a broker that wants TLS or SASL hangs up instead."""
    return await connection.send(MetadataRequest([]))


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
        case IncompatibleBrokerVersion():
            return f"what listens at {where} is no broker for clients: correct HEADWATER_KAFKA"
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
        why = getattr(error, "verify_message", str(error)).removesuffix(".")
        advice = _CERTIFICATE_ADVICE.get(
            getattr(error, "verify_code", 0), "check HEADWATER_KAFKA_CA_CERTIFICATE"
        )
        return f"has a certificate that is not trusted ({why}): {advice}"
    if isinstance(error, ssl.SSLError):
        why = getattr(error, "reason", "") or str(error)
        if "ALERT" in why:
            return own_certificate_refused(why)
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
                f"refuses user {client.get('sasl_plain_username')} with this password for "
                f"{client.get('sasl_mechanism')}: check HEADWATER_KAFKA_USERNAME, "
                "HEADWATER_KAFKA_PASSWORD and HEADWATER_KAFKA_SASL_MECHANISM"
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
