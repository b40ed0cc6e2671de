"""Models as bytes: plain arrays in MessagePack, with schema, code version and checksum.

Nothing read back is trusted: what is truncated, altered, of another layout or not finite is
`Unusable`, with the reason.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from msgspec import Struct, msgpack

from online_models.features.features import CODE_VERSION


class Unusable(NamedTuple):
    """Why a snapshot cannot be used."""

    reason: str


class Snapshot(NamedTuple):
    version: str
    content: bytes


class Envelope(Struct, frozen=True, array_like=True, gc=False):
    schema: str
    code_version: int
    checksum: bytes  # sha256 of the body
    body: bytes


_encoder = msgpack.Encoder()
_envelopes = msgpack.Decoder(Envelope)


def seal(schema: str, body: bytes) -> tuple[bytes, bytes]:
    """The body in its envelope, and its checksum."""
    checksum = hashlib.sha256(body).digest()
    return _encoder.encode(Envelope(schema, CODE_VERSION, checksum, body)), checksum


def unseal(schema: str, content: bytes) -> Envelope | Unusable:
    try:
        envelope = _envelopes.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Unusable(f"not a snapshot, or truncated: {error}")
    if envelope.schema != schema:
        return Unusable(f"schema {envelope.schema[:64]!r}, expected {schema!r}")
    if envelope.code_version != CODE_VERSION:
        return Unusable(f"code version {envelope.code_version}, expected {CODE_VERSION}")
    if hashlib.sha256(envelope.body).digest() != envelope.checksum:
        return Unusable("wrong checksum")
    return envelope


def packed(values: Iterable[float]) -> bytes:
    """Little-endian float64, bit for bit."""
    numbers = list(values)
    return struct.pack(f"<{len(numbers)}d", *numbers)


def unpacked(content: bytes) -> tuple[float, ...] | None:
    """None: not a whole number of float64."""
    if len(content) % 8:
        return None
    return struct.unpack(f"<{len(content) // 8}d", content)
