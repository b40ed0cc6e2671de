"""Every error that Headwater raises by itself, as one tree.

    HeadwaterError                  its text is one line that a person can act on
    ├── Stop                        ends a command: the line on stderr, exit code 1
    │   ├── SettingError            a setting is unknown or wrong: exit code 2
    │   ├── UnreadableLineError     a line of a replayed file is not a record
    │   ├── Refused                 the store works, and refuses a statement
    │   └── BadOutcomeError         a message does not follow the schema of its outcome topic
    ├── UnavailableError            the store cannot be reached: wait and try again
    │   └── StoreDiskFullError      its disk is full: make room, and try again
    ├── BadRowsError                the store does not take these rows: set them aside
    ├── SetupError                  the broker lacks what a core worker needs
    ├── LostRecordsError            the log no longer has the records to be read next
    ├── LostStateError              committed positions have no state, or state no positions
    ├── ForeignPartitionsError      a member was given topics that it does not read
    ├── LogChangedError             a topic is another log than when the worker started
    ├── StateFolderError            a state folder cannot be used: full, locked, forbidden
    ├── StateUnreadableError        the state of a lane on disk cannot be read
    ├── StateDamagedError           a state folder is damaged: its lane reads the changelog anew
    ├── RecoveryError               a changelog cannot be read to its end
    ├── StandstillError             a worker has work, and for minutes it did none
    ├── LeadError                   the readers of an embedded partition stand still
    ├── SnapshotMissingError        a marker names a model version that the log does not have
    ├── SnapshotsUnreadableError    model versions cannot be read any more
    ├── SnapshotLostError           a version that scores was never waited for
    ├── StateDiskFullError          the disk of a state is full: its lane waits for room
    └── CheckpointError             nobody knows whether a checkpoint took effect
        ├── LaneFencedError         another worker has opened this lane
        └── UndeliveredError        records were read that their lane did not get

`Stop` is raised for people and ends the process. All others end a lane or a worker, which say
them in one line (`in_one_line`), unless the caller named above knows better.

Ten errors stand outside. `UnsettledPositionError` and `FencedInstanceIdError` are answers of Kafka
that aiokafka does not know.
The packages of the others import nothing of `streams`: `FileError` (of `schemas.file_error`,
about a rule file and its like; `streams.wiring` turns it into a Stop), `NewerFormatError` (of
`schemas.records`, about bytes that a newer build stored), `UnlearnableBlockError` (of
`online_models`, about examples that are then set aside), `ChallengerError` and `NotPlainError` (of
`online_models.challengers`, about an estimator that cannot be made or stored: it alone is left out)
and `ServerError` (of `deploy.local`, about a development server). Or they never leave their room:
`CellError` and `_ColumnError` cost an imported file one row.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.records import NewerFormatError

FULL_DISK_NUMBERS = (errno.ENOSPC, errno.EDQUOT)
"""Of the system's errors, those of a disk that is full."""


class HeadwaterError(Exception):
    """The root: its text is one line that says what is wrong, where, and what to do."""


class Stop(HeadwaterError):  # noqa: N818  # It ends the program; that is no error of the program.
    """Ends the program with this one line on stderr, no traceback, and exit code 1."""


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Name the file that a block writes when it cannot be written: the system names it only where
    it cannot be opened."""
    try:
        yield
    except OSError as error:
        advice = "make room there, or name" if error.errno in FULL_DISK_NUMBERS else "name"
        raise Stop(
            f"cannot write {path}: {error.strerror or error}; {advice} a file elsewhere"
        ) from error


_ONE_LINE = (HeadwaterError, NewerFormatError)


def in_one_line(error: BaseException | None) -> str:
    """The text of an error on one line, after its type where that is not one of ours.

    Of a group of errors, the first one is shown; notes follow in brackets.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    name = type(error).__name__
    text = " ".join(str(error).split()) or name
    is_ours = isinstance(error, _ONE_LINE) or type(error) is RuntimeError
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    return (text if is_ours or text.startswith(name) else f"{name}: {text}") + notes


def listening_advice(error: OSError, host: str, port: str) -> str:
    """What to do where nothing can listen: the port is taken or privileged, else the host is wrong.

    `host` and `port` name the settings.
    """
    if error.errno in (errno.EADDRINUSE, errno.EACCES):
        return f"choose another {port}"
    return f"set {host} to an address of this machine, such as 127.0.0.1"
