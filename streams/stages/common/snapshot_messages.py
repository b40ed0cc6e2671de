"""A published model version as messages of the `model-snapshots` topic, in chunks it may carry."""

from __future__ import annotations

import lz4.frame

from streams.stages.contract import Message

CHUNK_BYTES = 400_000


def model_of(version: str) -> str:
    """A version is named after its model, the examples it has seen, and a hash."""
    return version.rsplit("-", 2)[0]


def snapshot_messages(version: str, snapshot: bytes) -> list[Message]:
    """Messages that carry one version; key `version/chunk/chunks`, numbers with four digits."""
    packed = lz4.frame.compress(snapshot)
    chunks = [packed[at : at + CHUNK_BYTES] for at in range(0, len(packed), CHUNK_BYTES)]
    return [
        Message(f"{version}/{number:04d}/{len(chunks):04d}".encode(), chunk)
        for number, chunk in enumerate(chunks)
    ]


def deletion_messages(version: str, chunks: int) -> list[Message]:
    """Messages that let the topic forget a version."""
    return [
        Message(f"{version}/{number:04d}/{chunks:04d}".encode(), None) for number in range(chunks)
    ]
