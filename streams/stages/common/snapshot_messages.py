"""Splits a published model version into messages of the `model-snapshots` topic."""

from __future__ import annotations

import lz4.frame

from streams.stages.contract import Message

CHUNK_BYTES = 400_000
"""Bytes of a message, well below the 1 MiB that Kafka accepts by default."""


def model_of(version: str) -> str:
    """The model of a version, whose name is `model-examples-hash`."""
    return version.rsplit("-", 2)[0]


def snapshot_messages(version: str, snapshot: bytes) -> list[Message]:
    """The messages of one version, with keys `version/chunk/chunks` (four digits each)."""
    packed = lz4.frame.compress(snapshot)
    chunks = [packed[at : at + CHUNK_BYTES] for at in range(0, len(packed), CHUNK_BYTES)]
    return [
        Message(f"{version}/{number:04d}/{len(chunks):04d}".encode(), chunk)
        for number, chunk in enumerate(chunks)
    ]


def deletion_messages(version: str, chunks: int) -> list[Message]:
    """Tombstones that remove a version from the topic."""
    return [
        Message(f"{version}/{number:04d}/{chunks:04d}".encode(), None) for number in range(chunks)
    ]
