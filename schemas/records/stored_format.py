"""Versions of what is stored in MessagePack: frames between stages, and states in changelogs.

Content of version 1 carries no marker. Later versions begin with the one byte that no MessagePack
content begins with, and the number of the version. So a reader of today's version pays nothing:
only content that it cannot decode is looked at for a marker.

A field that is added at the end, with a default, needs no new version: older builds ignore it, and
this one reads what they wrote. Everything else does, also a new kind of record or a new member of
an enumeration, because an older build could not read it. Raise `version` then, and keep the old
decoder in `older`; where nothing is new but what may be in it, today's decoder reads both. What is
written may name an earlier version as long as it holds nothing that is new, as frames do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

_Content = TypeVar("_Content")
MARK = 0xC1
"""The byte that MessagePack never uses."""
MARK_BYTE = bytes((MARK,))
MARKER_BYTES = 2

_Decode = Callable[[bytes | memoryview], _Content]


class NewerFormatError(Exception):
    """Content that a newer build wrote: its text is one line that says so."""


class StoredFormat(Generic[_Content]):
    """Reads content of every version up to its own, and writes its own.

    `decode` raises NewerFormatError for a later version, and msgspec's errors for damaged content.
    """

    def __init__(
        self,
        name: str,
        kind: Any,
        version: int = 1,
        older: Mapping[int, _Decode[_Content]] | None = None,
    ) -> None:
        self.name = name
        self.version = version
        self.marker = marker_of(version)
        """Goes before content that is written."""
        self._decode_own: _Decode[_Content] = msgspec.msgpack.Decoder(kind).decode
        self._older = dict(older or {})
        self.decode_quickly: _Decode[_Content] = self.decode if version > 1 else self._decode_own
        """For loops: when it raises, ask `decode`, which knows more."""

    def decode(self, content: bytes | memoryview) -> _Content:
        """Content of any version that this build reads."""
        found = stored_version(content)
        self.require_known(content)
        body = content if found == 1 else memoryview(content)[MARKER_BYTES:]
        return (
            self._decode_own(body)
            if found == self.version
            else self._older.get(found, self._decode_own)(body)
        )

    def require_known(self, content: bytes | memoryview) -> None:
        """Raise NewerFormatError if a newer build wrote this."""
        found = stored_version(content)
        if found > self.version:
            raise NewerFormatError(
                f"{self.name} of version {found}, and this build reads up to {self.version}: a "
                "newer Headwater wrote it; update this one"
            )


def marker_of(version: int) -> bytes:
    """What goes before content of a version."""
    return b"" if version == 1 else bytes((MARK, version))


def stored_version(content: bytes | memoryview) -> int:
    """The version that stored content names; 1 where it names none."""
    if len(content) < MARKER_BYTES or content[0] != MARK:
        return 1
    return content[1]
