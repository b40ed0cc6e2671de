"""Model versions that are written to a topic and read from it."""

from __future__ import annotations

import os

from streams.runtime.snapshots import GONE, SnapshotShelf
from streams.stages.common.snapshot_messages import (
    CHUNK_BYTES,
    deletion_messages,
    snapshot_messages,
)

LARGE = os.urandom(3 * CHUNK_BYTES)  # Random bytes do not shrink.


def shelf_of(*versions: str) -> SnapshotShelf:
    shelf = SnapshotShelf(versions_max=2)
    for version in versions:
        for key, chunk, _ in snapshot_messages(version, version.encode()):
            shelf.add(key or b"", chunk)
    return shelf


def test_a_large_snapshot_comes_back_from_its_chunks_in_any_order() -> None:
    messages = snapshot_messages("payer/7", LARGE)
    assert len(messages) == 4
    assert max(len(message.value or b"") for message in messages) <= CHUNK_BYTES
    shelf = SnapshotShelf()
    for key, chunk, _ in reversed(messages):
        assert shelf.find("payer/7") is None
        shelf.add(key or b"", chunk)
    assert shelf.find("payer/7") == LARGE


def test_an_empty_snapshot_is_a_snapshot() -> None:
    shelf = SnapshotShelf()
    for key, chunk, _ in snapshot_messages("payer/0", b""):
        shelf.add(key or b"", chunk)
    assert shelf.find("payer/0") == b""


def test_only_the_newest_versions_are_kept() -> None:
    shelf = shelf_of("payer-1-a", "payer-2-b", "payer-3-c")
    found = [shelf.find(version) for version in ("payer-1-a", "payer-2-b", "payer-3-c")]
    assert found == [None, b"payer-2-b", b"payer-3-c"]


def test_a_model_that_publishes_often_pushes_out_no_other() -> None:
    shelf = shelf_of("credit-7-a", "payer-1-a", "payer-2-b", "payer-3-c")
    assert shelf.find("credit-7-a") == b"credit-7-a"


def test_a_deleted_version_is_gone_for_a_reader_that_comes_late_until_it_is_there_again() -> None:
    shelf = shelf_of("payer/1")
    shelf.add(b"payer/1/0000/0001", None)
    assert shelf.find("payer/1") == GONE
    for key, chunk, _ in snapshot_messages("payer/1", b"again"):
        shelf.add(key or b"", chunk)
    assert shelf.find("payer/1") == b"again"


def test_what_is_deleted_is_deleted_chunk_by_chunk() -> None:
    messages = snapshot_messages("payer-7-a", LARGE)
    deleted = deletion_messages("payer-7-a", len(messages))
    assert [one.key for one in deleted] == [one.key for one in messages]
    assert {one.value for one in deleted} == {None}
