"""Models as bytes: plain arrays in MessagePack, with schema, code version and checksum.

Nothing read back is trusted: what is truncated, altered, of another layout or not finite is
`Unusable`, with the reason.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from msgspec import Struct, msgpack

from online_models.features import CODE_VERSION
from online_models.landmarks import TARGET
from online_models.payer import Scorer

SCORER_SCHEMA = f"{TARGET}/scorer/1"


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


class _ScorerBody(Struct, frozen=True, array_like=True, gc=False):
    examples_seen: int
    intercept: float
    names: list[str]
    weights: bytes  # little-endian float64, in the order of the names


_encoder = msgpack.Encoder()
_envelopes = msgpack.Decoder(Envelope)
_scorer_bodies = msgpack.Decoder(_ScorerBody)


def dump_scorer(examples_seen: int, intercept: float, weights: dict[str, float]) -> Snapshot:
    """A read-only copy of a model. The same model always has the same version and bytes."""
    body = _encoder.encode(
        _ScorerBody(examples_seen, intercept, list(weights), packed(weights.values()))
    )
    content, checksum = seal(SCORER_SCHEMA, body)
    return Snapshot(_version(examples_seen, checksum), content)


def load_scorer(content: bytes) -> Scorer | Unusable:
    """The model in `content`, under the version it was published with."""
    opened = unseal(SCORER_SCHEMA, content)
    if isinstance(opened, Unusable):
        return opened
    try:
        body = _scorer_bodies.decode(opened.body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Unusable(f"body is not a scorer: {error}")
    weights = unpacked(body.weights)
    if weights is None or len(weights) != len(body.names):
        return Unusable("as many weights as names expected")
    if not (math.isfinite(body.intercept) and all(map(math.isfinite, weights))):
        return Unusable("weights are not finite")
    by_name = dict(zip(body.names, weights, strict=True))
    if len(by_name) != len(weights):
        return Unusable("a feature name occurs twice")
    version = _version(body.examples_seen, opened.checksum)
    return Scorer(version, body.examples_seen, body.intercept, by_name)


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


def _version(examples_seen: int, checksum: bytes) -> str:
    return f"{TARGET}-{examples_seen}-{checksum.hex()[:8]}"
