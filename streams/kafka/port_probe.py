"""What a port wants that only hangs up, or never answers.

A broker says nothing to a client that speaks another protocol than its port: it hangs up. A client
without TLS may even wait for ever, because it reads a TLS alert as the length of a message of
hundreds of megabytes. So the port is asked here what it speaks.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PROBE_SECONDS_MAX = 1.0
"""Longest wait for one answer; there are up to three."""

_SASL_HANDSHAKE, _HANDSHAKE_VERSION = 17, 1  # https://kafka.apache.org/protocol
_CORRELATION = 1
_SIGN_IN_OFFERED = (0, 33)  # the latter: this mechanism is not offered, though others are


async def port_fault(client: Mapping[str, Any], where: tuple[str, int], seconds: float) -> str:
    """What the port wants of a client with other options; empty when that cannot be told."""
    probe = _Probe(*where, min(seconds, PROBE_SECONDS_MAX))
    protocol = client.get("security_protocol", "PLAINTEXT")
    is_tls = protocol.endswith("SSL")
    context = client.get("ssl_context") if is_tls else None
    # Only what the port says counts: a broker that is stopping or hangs says nothing at all.
    if is_tls and await probe.sign_in_answer(None) is not None:
        plain = protocol.replace("SASL_SSL", "SASL_PLAINTEXT").removeprefix("SSL") or "PLAINTEXT"
        return f"speaks no TLS on this port: set HEADWATER_KAFKA_SECURITY={plain}"
    if not is_tls and await probe.speaks_tls():
        secure = protocol.replace("PLAINTEXT", "SSL")
        return f"speaks TLS on this port: set HEADWATER_KAFKA_SECURITY={secure}"
    if context and (alert := await probe.refusal_of_us(context)):
        return own_certificate_refused(alert)
    if protocol.startswith("SASL"):
        return ""
    if await probe.sign_in_answer(context) in _SIGN_IN_OFFERED:
        wanted = "SASL_SSL" if is_tls else "SASL_PLAINTEXT"
        return f"wants users to sign in on this port: set HEADWATER_KAFKA_SECURITY={wanted}"
    return ""


def own_certificate_refused(alert: str) -> str:
    """The phrase for an alert with which a broker refuses a client's certificate."""
    return (
        f"does not take our certificate, or wants one ({alert}): check "
        "HEADWATER_KAFKA_CLIENT_CERTIFICATE, its last day, and that Kafka trusts its authority"
    )


@dataclass(frozen=True, slots=True)
class _Probe:
    """Asks one port, with a connection for each question."""

    host: str
    port: int
    seconds: float

    async def speaks_tls(self) -> bool:
        anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        anybody.check_hostname = False
        anybody.verify_mode = ssl.CERT_NONE
        try:
            async with asyncio.timeout(self.seconds):
                _, writer = await asyncio.open_connection(self.host, self.port, ssl=anybody)
        except ssl.SSLError as error:
            # An alert is TLS, too: the handshake wants a certificate of ours.
            return "ALERT" in (error.reason or "")
        except (OSError, TimeoutError):
            return False
        writer.transport.abort()
        return True

    async def refusal_of_us(self, context: ssl.SSLContext) -> str:
        """The alert after a handshake; since TLS 1.3 a client's certificate is judged behind it."""
        try:
            async with asyncio.timeout(self.seconds):
                reader, writer = await asyncio.open_connection(self.host, self.port, ssl=context)
                try:
                    await reader.read(1)
                finally:
                    writer.transport.abort()
        except ssl.SSLError as error:
            return error.reason or str(error)
        except (OSError, TimeoutError):
            pass
        return ""

    async def sign_in_answer(self, context: ssl.SSLContext | None) -> int | None:
        """Kafka's error code for a wish to sign in; None when no such answer comes."""
        mechanism = b"PLAIN"
        body = struct.pack(">hhih", _SASL_HANDSHAKE, _HANDSHAKE_VERSION, _CORRELATION, -1)
        body += struct.pack(">h", len(mechanism)) + mechanism
        try:
            async with asyncio.timeout(self.seconds):
                reader, writer = await asyncio.open_connection(self.host, self.port, ssl=context)
                try:
                    writer.write(struct.pack(">i", len(body)) + body)
                    _, correlation, code = struct.unpack(">iih", await reader.readexactly(10))
                finally:
                    writer.transport.abort()
        except (OSError, TimeoutError, EOFError):
            return None
        return int(code) if correlation == _CORRELATION else None
