"""Replays the log of a crowd, erases those who asked, and counts what is left of them."""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cramjam
import lz4.block
from msgspec.structs import replace

from streams.kafka.kcat import record_line
from streams.operations.privacy import run_erasure
from streams.progress import ignore_progress
from streams.replay.run import run_replay
from streams.settings import Settings, read_settings
from streams.stages.common.pseudonyms import Pseudonyms
from streams.store.base import Store
from streams.wiring.store import open_store
from tests.privacy.figures import Difference, ViewFigures, differences, view_figures
from tests.privacy.people import Person, log_of
from tests.worlds.stores.fact_outcomes import privacy_receipt
from tests.worlds.stores.store_world import put

SECRET = "0123456789abcdef0123456789abcdef"
_METHOD_LZ4, _METHOD_ZSTD, _METHOD_NONE = 0x82, 0x90, 0x02
_BLOCK_BYTES_MAX = 1 << 26
_SEARCHED_ONE_BY_ONE = 200
_WORD = re.compile(rb"[A-Za-z0-9.]+(?:-[A-Za-z0-9]+)*")
_HEAD = struct.Struct("<BII")


class Proof(NamedTuple):
    """What was found before and after the erasure of one crowd."""

    found_before: int  # names of those who asked, in the bytes of active parts
    found_after: int
    others_before: int
    others_after: int
    views: int
    changed: Sequence[Difference]  # of every figure of every view
    last_digits: int  # of sums of fractions, which alone differ
    rows: int  # made anonymous
    seconds: float


def prove(
    folder: Path, crowd: list[Person], days: int = 1, views: Collection[str] = ()
) -> tuple[Settings, Proof]:
    """Store the crowd in a folder, erase who asked, and compare; `views`: these alone."""
    settings = settings_in(folder)
    replay(settings, folder, crowd, days=days)
    figures, before = _look(settings, crowd, views)
    started = time.perf_counter()
    done = run_erasure(settings, lambda _: None)
    seconds = time.perf_counter() - started
    figures_after, after = _look(settings, crowd, views)
    changed, last_digits = differences(figures, figures_after)
    return settings, Proof(
        found_before=len(before.asked),
        found_after=len(after.asked),
        others_before=len(before.others),
        others_after=len(after.others),
        views=len(figures),
        changed=changed,
        last_digits=last_digits,
        rows=sum(one.rows for one in done),
        seconds=seconds,
    )


def settings_in(folder: Path) -> Settings:
    return read_settings({"HEADWATER_DATA": str(folder), "HEADWATER_PSEUDONYM_SECRET": SECRET})


def replay(
    settings: Settings,
    folder: Path,
    crowd: list[Person],
    *,
    is_again: bool = False,
    days: int = 1,
) -> None:
    file = folder / "traffic.jsonl"
    file.write_bytes(b"".join(map(record_line, log_of(crowd, days=days))))
    report = run_replay(settings, [file], 1_000, ignore_progress, is_into=is_again)
    assert report.accounting.reconciled


def erase_more(settings: Settings, wave: str, installs: Sequence[str]) -> float:
    """Seconds that a run takes when the requests of these installs have come since the last."""
    store = open_store(settings)
    try:
        receipts = [
            replace(privacy_receipt(install_id, f"{wave}-{number}"), app_id="app")
            for number, install_id in enumerate(installs)
        ]
        put(store, receipts, epoch=wave)
    finally:
        store.close()
    started = time.perf_counter()
    run_erasure(settings, lambda _: None)
    return time.perf_counter() - started


def left_of(settings: Settings, crowd: list[Person]) -> int:
    """How many names of those who asked are in the bytes of active parts."""
    return len(_look(settings, crowd)[1].asked)


def names_of(person: Person) -> list[str]:
    """Ids as they were sent, and the pseudonyms that tables have of them."""
    pseudonyms = Pseudonyms(SECRET.encode())
    return [*person.names, pseudonyms.of(person.gaid), pseudonyms.of(person.account)]


class Found(NamedTuple):
    """Names that some bytes have."""

    asked: set[bytes]  # of those who asked to be forgotten, as sent and as pseudonyms
    others: set[bytes]  # installs of all others


def _look(
    settings: Settings, crowd: list[Person], views: Collection[str] | None = None
) -> tuple[dict[str, ViewFigures], Found]:
    """The figures of the views, and whose names are in the bytes of the parts on disk."""
    asked = {name.encode() for one in crowd if one.asks_by for name in names_of(one)}
    others = {one.install_id.encode() for one in crowd if not one.asks_by}
    found = Found(set(), set())
    store: Store = open_store(settings)
    try:
        figures = {} if views is None else view_figures(store, views)
        parts = store.query("SELECT path FROM system.parts WHERE active").rows
        letters = store.query("SELECT base64Decode(payload), base64Decode(key) FROM dead_letters")
        for octets in (*_files(Path(path) for (path,) in parts), str(letters.rows).encode()):
            for wanted, seen in ((asked, found.asked), (others, found.others)):
                if len(wanted) <= _SEARCHED_ONE_BY_ONE:
                    seen.update(name for name in wanted if name in octets)
                else:
                    seen.update(wanted & set(_WORD.findall(octets)))
        return figures, found
    finally:
        store.close()


def _files(parts: Iterator[Path]) -> Iterator[bytes]:
    """The bytes of every file of every part, as they are and decompressed."""
    for part in parts:
        for file in part.rglob("*"):
            if file.is_file():
                yield b"\0".join(_blocks(file.read_bytes()))


def _blocks(octets: bytes) -> Iterator[bytes]:
    """The bytes themselves, and those of the engine's compressed blocks: a checksum, the method,
    two lengths and the content."""
    yield octets
    at = 0
    while at + 25 <= len(octets):
        method, packed, plain = _HEAD.unpack_from(octets, at + 16)
        is_block = method in (_METHOD_LZ4, _METHOD_ZSTD, _METHOD_NONE) and plain <= _BLOCK_BYTES_MAX
        end = at + 16 + packed
        at += 1  # Files of marks and keys begin anywhere.
        if not is_block or not at + 24 <= end <= len(octets):
            continue
        content = octets[at + 24 : end]
        if method == _METHOD_LZ4:
            try:
                content = lz4.block.decompress(content, uncompressed_size=plain)
            except lz4.block.LZ4BlockError:
                continue
        if method == _METHOD_ZSTD:
            try:
                content = bytes(cramjam.zstd.decompress(content))
            except cramjam.DecompressionError:
                continue
        yield content
        at = end
