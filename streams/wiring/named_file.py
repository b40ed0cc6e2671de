"""Reads the files that settings name, and stops with one line where one cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from schemas.file_error import FileError
from streams.errors import Stop

_Contents = TypeVar("_Contents")


def read_file(path: Path, named_by: str, parse: Callable[[str], _Contents]) -> _Contents:
    """What `parse` makes of the text of a file.

    Stop names the file, what names it (a setting or an option), the key and what is wrong there.
    """
    try:
        return parse(path.read_text(encoding="utf-8-sig"))  # Some editors begin a file with a mark.
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise Stop(f"{named_by} {path}: cannot be read: {reason}") from error
    except FileError as error:
        raise Stop(f"{named_by} {path}: {error}") from error
