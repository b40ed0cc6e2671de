"""Sets aside what makes a decision raise: with its bytes, where it raised, and its key.

A batch is decided at full speed first. If that raises, it is decided again record by record
(`apart`): each on a branch of the states and an outbox of its own, which is merged only if
nothing was raised, also not by encoding. So one record loses its effects and no other does,
wherever batches were cut.
"""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, TypeVar

from msgspec import MsgspecError

from schemas import topics
from schemas.outcomes import Quarantined, QuarantinedKind
from schemas.records import AnyFrame, NewerFormatError, Source, frame_encoder
from schemas.time import LogMs
from streams.errors import HeadwaterError
from streams.stages.common.observer import StageObserver
from streams.stages.common.outbox import Outbox
from streams.stages.common.source_columns import source_columns
from streams.stages.common.working_set import WorkingSet
from streams.stages.contract import LogRecord
from streams.stages.separate.states import StateBranch

F = TypeVar("F")

QUARANTINE_DETAIL_CHARS_MAX = 1_000
"""Longest `detail` of a quarantined record; what is innermost is kept."""
PLACES_MAX = 12
"""Most functions that `detail` names."""
_TEXT_CHARS_MAX = 160
_VALUES = re.compile(r"""'[^']*'|"[^"]*"|`[^`]*`|b'[^']*'|\S*[\d@%]\S*|\S{25,}|[^\x20-\x7e]+""")
_OUT_OF_DATA = (HeadwaterError, NewerFormatError, MemoryError, OSError)


def is_poison(error: BaseException) -> bool:
    """Whether a record is at fault: not the machine, and nothing that is told to a person."""
    return isinstance(error, Exception) and not isinstance(error, _OUT_OF_DATA)


def without_values(text: str) -> str:
    """The text of an error on one line, without what may be a value of a user."""
    return _VALUES.sub("…", " ".join(text.split())[:_TEXT_CHARS_MAX])


def where_raised(error: BaseException, below: TracebackType | None = None) -> str:
    """The functions that an exception went through, and its text without what may be a value.

    `below`: from there on only, so that it does not depend on who called.
    """
    places: list[str] = []
    trace = below or error.__traceback__
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        place = f"{module}:{trace.tb_lineno} {trace.tb_frame.f_code.co_name}"
        # A recursion names the same functions, however deep it went.
        if module != __name__ and place not in places:
            places.append(place)
        trace = trace.tb_next
    text = without_values(str(error))
    path = "; ".join(places[-PLACES_MAX:])
    return f"{path}: {text}"[-QUARANTINE_DETAIL_CHARS_MAX:]


@dataclass(frozen=True, slots=True)
class QuarantineSubject:
    """What may be set aside. `place` tells it from others of the message that is being decided."""

    kind: QuarantinedKind
    place: str
    state_key: str
    payload: bytes
    app_id: str = ""
    install_id: str = ""
    source: Source | None = None
    message_key: bytes = b""
    at: LogMs | None = None  # log time; None: that of the message


def source_of(record: object) -> Source | None:
    """The event that a record between stages stands for; None: it only helps to decide others."""
    found: Source | None = getattr(record, "source", None)
    if found is None and (money := getattr(record, "money", None)) is not None:
        found = money.source
    return found


def record_subject(
    place: object, key: str, app_id: str, record: object, frame: Callable[..., AnyFrame]
) -> QuarantineSubject:
    """A record between stages, for the state of `key`. Its bytes are a frame of its own."""
    return QuarantineSubject(
        kind="record",
        place=str(place),
        state_key=key,
        payload=frame_encoder.encode(frame({}, [record])),
        app_id=app_id,
        install_id=getattr(record, "install_id", ""),
        source=source_of(record),
    )


def timer_subject(key: bytes, states: WorkingSet[Any], at: LogMs) -> QuarantineSubject:
    """A deadline of the state of `key` at this log time."""
    try:
        payload = states.encoded(key)
    except (MsgspecError, OverflowError, ValueError):  # It may be what raised.
        payload = b""
    name = key.decode(errors="backslashreplace")
    return QuarantineSubject("timer", f"timer:{name}", name, payload, at=at)


class Quarantine:
    """What one decision of a stage sets aside. Call `at` with each message before it is decided."""

    def __init__(self, stage: str, outbox: Outbox, observer: StageObserver) -> None:
        self._stage = stage
        self._outbox = outbox
        self._observer = observer
        self._message: LogRecord | None = None
        self._number = -1

    def at(self, message: LogRecord) -> None:
        """What follows is raised by this message."""
        self._message = message
        self._number = -1

    def next_number(self) -> int:
        """The number of the next record within its frame, from 0."""
        self._number += 1
        return self._number

    def attempt(self, act: Callable[[], object], subject: Callable[[], QuarantineSubject]) -> bool:
        """Whether `act` went well; otherwise its subject is set aside, and settled."""
        try:
            act()
        except Exception as error:
            if not is_poison(error):
                raise
            self.set_aside(subject(), error)
            return False
        return True

    def set_aside(self, subject: QuarantineSubject, error: Exception) -> None:
        """Write down what raised, and settle the event behind it."""
        message = self._message
        assert message is not None, "at() comes first"
        trace = error.__traceback__
        self._observer.on_quarantined(self._stage, subject.kind)
        event = subject.source if subject.kind == "event" else None
        name = f"{message.topic}:{message.partition}:{event[2] if event else message.offset}"
        columns = {"source_topic": "", "source_partition": -1, "source_offset": -1}
        row = Quarantined(
            quarantine_id=f"{name}:{subject.place}" if subject.place else name,
            stage=self._stage,
            kind=subject.kind,
            error=type(error).__name__,
            detail=where_raised(error, trace and trace.tb_next),
            state_key=subject.state_key,
            app_id=subject.app_id,
            install_id=subject.install_id,
            log_topic=message.topic,
            log_topic_partition=message.partition,
            log_topic_offset=message.offset,
            payload=base64.b64encode(subject.payload).decode(),
            message_key=base64.b64encode(subject.message_key).decode(),
            received_at=subject.at or LogMs(max(message.timestamp, 0)),
            **(source_columns(subject.source) if subject.source else columns),
        )
        self._outbox.add(topics.QUARANTINED.name, subject.state_key, row)
        if subject.source is not None:
            self._outbox.settle(subject.source, "quarantined")

    @staticmethod
    def silence(states: WorkingSet[Any], key: bytes) -> None:
        """Let the timer of a key that raised not fire again before a record changes its state."""
        with contextlib.suppress(MsgspecError):  # An unreadable state raises at every start.
            states.silence(key)

    def read(self, decode: Callable[[bytes], F], message: LogRecord) -> F | None:
        """The frame of a message between stages; None: it is set aside as a whole."""
        self.at(message)
        try:
            return decode(message.value or b"")
        except (MsgspecError, RecursionError, UnicodeDecodeError) as error:
            value = message.value or b""
            self.set_aside(
                QuarantineSubject("frame", "", "", value, message_key=message.key or b""), error
            )
            return None


class Scratch(Protocol):
    """Effects that are tried, on a branch of the states."""

    @property
    def states(self) -> Any: ...

    def verify(self) -> None:
        """Raise whatever encoding the effects would raise."""


B = TypeVar("B", bound=Scratch)


class Separable(Protocol[B]):
    """The effects of a decision so far."""

    def scratch(self) -> B:
        """Effects of their own, none yet, on a branch of these states."""

    def absorb(self, other: B) -> None:
        """Add the effects of a scratch to these."""


def apart(
    batch: Separable[B],
    quarantine: Quarantine,
    act: Callable[[B], object],
    subject: Callable[[], QuarantineSubject],
) -> bool:
    """Add what `act` does to the batch, all of it or nothing; False: its subject is set aside."""
    scratch = batch.scratch()
    branch: StateBranch[Any] = scratch.states

    def act_and_verify() -> None:
        act(scratch)
        branch.verify()
        scratch.verify()

    if quarantine.attempt(act_and_verify, subject):
        branch.merge()
        batch.absorb(scratch)
        return True
    branch.undo()
    return False
