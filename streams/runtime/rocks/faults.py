"""What RocksDB's errors say about a state folder: that it is damaged, or that it cannot be used.

rocksdict raises plain exceptions, whose text is RocksDB's status. Tried with rocksdict 0.3.29 on
folders whose files were removed, cut in half, overwritten or locked: damage shows at opening, or
when the block is read that holds it; garbage in LOG, OPTIONS or IDENTITY does no harm. An iterator
that meets damage just ends, so whoever iterates has to ask whether the end was the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.errors import HeadwaterError
from streams.runtime.rocks.disk import disk_full

_ADVICE = {
    "permission denied": "let the worker's user write there, or move HEADWATER_STATE_DIR",
    "read-only file system": "let the worker write there, or move HEADWATER_STATE_DIR",
    "too many open files": "raise the limit of open files (ulimit -n)",
    "lock hold by": "another lane of this worker has it open: start the worker again",
    "file exists": "it is a file: move it, or choose another HEADWATER_STATE_DIR",
    "not a directory": "a part of it is a file: choose another HEADWATER_STATE_DIR",
    "while lock file": "another worker uses it: give each worker a HEADWATER_STATE_DIR of its own",
}
"""What a person has to mend, by a part of the error's text; the first that fits holds."""
_ELSEWHERE = "choose another HEADWATER_STATE_DIR, where folders can be made"


class StateFolderError(HeadwaterError):
    """A state folder cannot be used; the message says why, and what to do."""


class StateDamagedError(HeadwaterError):
    """A state folder is damaged: whoever holds the store clears it and reads the changelog anew."""


@contextmanager
def known_faults(folder: Path) -> Iterator[None]:
    """Turn what RocksDB and the file system raise into errors of ours."""
    try:
        yield
    except HeadwaterError:
        raise
    except Exception as error:
        raise fault_of(folder, error) from error


def fault_of(folder: Path, error: Exception) -> HeadwaterError:
    """The error of ours for one of RocksDB or the file system."""
    if full := disk_full(folder, error):
        return full
    text = " ".join(str(error).split())
    for sign, advice in _ADVICE.items():
        if sign in text.lower() and not text.startswith("Corruption"):
            return StateFolderError(f"state folder {folder} cannot be used ({text}): {advice}")
    if isinstance(error, OSError) and not folder.is_dir():
        # What cannot even be made has no damage that clearing it would mend.
        return StateFolderError(f"state folder {folder} cannot be used ({text}): {_ELSEWHERE}")
    return StateDamagedError(f"state folder {folder} is damaged ({text[:200]})")
