"""The recorded bytes: small compressed files of JSON lines, in the folder `corpus`."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

FOLDER = Path(__file__).parent / "corpus"


class Recorded(msgspec.Struct, frozen=True):
    """One stored value, and what the build that wrote it read in it."""

    format: str
    origin: str  # the seed of the world that wrote it, or `filled`
    key: bytes
    value: bytes
    content: Any


def plain(content: Any) -> Any:
    """Content as JSON can hold it, with field names, so that no two fields can be confused."""
    match content:
        case msgspec.Struct():
            fields = msgspec.structs.asdict(content)
            return {"type": type(content).__name__} | {k: plain(v) for k, v in fields.items()}
        case Enum():
            return plain(content.value)
        case bytes() | memoryview():
            return bytes(content).hex()
        case dict():
            return {str(key): plain(value) for key, value in content.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(one) for one in content]
    return content


def agrees(recorded: Any, today: Any) -> bool:
    """Whether today's reading has all that was read then; it may have more fields."""
    if isinstance(recorded, dict) and isinstance(today, dict):
        return all(name in today and agrees(recorded[name], today[name]) for name in recorded)
    if isinstance(recorded, list) and isinstance(today, list):
        return len(recorded) == len(today) and all(map(agrees, recorded, today))
    return bool(recorded == today)


def read_corpus() -> dict[str, list[Recorded]]:
    """Everything that was recorded, by name of the file."""
    lines = msgspec.json.Decoder(Recorded)
    return {
        file.name.removesuffix(".jsonl.gz"): lines.decode_lines(gzip.decompress(file.read_bytes()))
        for file in sorted(FOLDER.glob("*.jsonl.gz"))
    }


def write_corpus(name: str, entries: Iterable[Recorded]) -> Path:
    """Record entries under a name that is not taken: what was recorded never changes."""
    file = FOLDER / f"{name}.jsonl.gz"
    if file.exists():
        raise FileExistsError(f"{file} is recorded already")
    lines = msgspec.json.Encoder().encode_lines(entries)
    file.write_bytes(gzip.compress(lines, mtime=0))
    return file
