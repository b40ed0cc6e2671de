"""The envelope around everything that is stored: schema, code version and checksum.

Nothing read back is trusted: content that is truncated, altered, of another schema or of another
code version is `Unusable`, with the reason.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import msgspec
from msgspec import Struct, msgpack

from online_models.features.features import FEATURES_CODE_VERSION


class Unusable(NamedTuple):
    """Why stored content cannot be used, in one line."""

    reason: str
    is_newer: bool = False  # a newer build wrote it: this one has to be updated


class Snapshot(NamedTuple):
    """A version of a model as it is published: its name, and its bytes."""

    version: str
    content: bytes


class Sealed(NamedTuple):
    """Content that is ready to be stored, and the sha256 of its body."""

    content: bytes
    checksum: bytes


class Envelope(Struct, frozen=True, array_like=True, gc=False):
    """What is stored, as MessagePack. The code version is that of the features, which every model
    is made of: models of other features are unusable."""

    schema: str
    code_version: int
    checksum: bytes  # sha256 of the body
    body: bytes


_encoder = msgpack.Encoder()
_envelopes = msgpack.Decoder(Envelope)


def seal(schema: str, body: bytes) -> Sealed:
    """Put a body into its envelope. Equal bodies give equal bytes."""
    checksum = hashlib.sha256(body).digest()
    return Sealed(
        _encoder.encode(Envelope(schema, FEATURES_CODE_VERSION, checksum, body)), checksum
    )


def unseal(schema: str, content: bytes) -> Envelope | Unusable:
    """Open an envelope of this schema."""
    try:
        envelope = _envelopes.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Unusable(f"not a snapshot, or truncated: {error}")
    if envelope.schema != schema:
        if _is_newer(envelope.schema, schema):
            return Unusable(
                f"{envelope.schema[:64]} is stored, and this build reads up to {schema}: a newer "
                "Headwater wrote it; update this one",
                is_newer=True,
            )
        return Unusable(f"schema {envelope.schema[:64]!r}, expected {schema!r}")
    if envelope.code_version != FEATURES_CODE_VERSION:
        return Unusable(f"code version {envelope.code_version}, expected {FEATURES_CODE_VERSION}")
    if hashlib.sha256(envelope.body).digest() != envelope.checksum:
        return Unusable("wrong checksum")
    return envelope


def _is_newer(found: str, own: str) -> bool:
    """Whether a schema is a later version of one's own, as `hazard/model/2` of `hazard/model/1`."""
    kind, _, version = found.rpartition("/")
    own_kind, _, own_version = own.rpartition("/")
    return kind == own_kind and version.isdecimal() and int(version) > int(own_version)


def version_name(model: str, rows: int, checksum: bytes) -> str:
    """The name of a version: `model-rows-checksum`. Equal content always has the same name."""
    return f"{model}-{rows}-{checksum.hex()[:8]}"


def renamed(model: str, snapshot: Snapshot) -> str:
    """The version's name for the model that it is published as, such as `payer/challenger`."""
    _, rows, checksum = snapshot.version.rsplit("-", 2)
    return version_name(model, int(rows), bytes.fromhex(checksum))
