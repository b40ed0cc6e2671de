"""Sets aside examples, paths and orders that make a learner raise.

Learners change in place, so what one has learned by then of a record that raises stays: the same on
every reading of the log. A block of examples that raises is set aside as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from online_models.learning.example_learner import UnlearnableBlockError
from schemas.records import (
    Example,
    ExampleFrame,
    ExampleRecord,
    MatchExample,
    ModelCommand,
    example_frames,
)
from streams.stages.common.observer import StageObserver
from streams.stages.common.outbox import Outbox
from streams.stages.contract import Effects, LogRecord, Message, TopicPartition
from streams.stages.separate.quarantine import (
    Quarantine,
    QuarantineSubject,
    is_poison,
    record_subject,
)

_STAGE = "learning"
_Learned = TypeVar("_Learned", bound=ExampleRecord)


class SeparateExamples:
    """Collects what is set aside until it is taken, together with the state that goes with it."""

    def __init__(self, observer: StageObserver) -> None:
        self._observer = observer
        self._begin()

    def _begin(self) -> None:
        self._outbox = Outbox(_STAGE, 0, self._observer)
        self._quarantine = Quarantine(_STAGE, self._outbox, self._observer)

    def read(self, message: LogRecord) -> ExampleFrame:
        """A frame; without records: it cannot be read, and is set aside."""
        return self._quarantine.read(example_frames.decode, message) or ExampleFrame()

    def each(
        self, learn: Callable[[_Learned], None], records: Iterable[_Learned], *, is_again: bool
    ) -> None:
        """Let a learner take these records of a frame, in its order. `is_again`: what raised then
        was set aside then."""
        for record in records:
            number = self._quarantine.next_number()
            try:
                learn(record)
            except Exception as error:
                self._set_aside(number, record, error, is_again=is_again)

    def _set_aside(
        self, number: int, record: ExampleRecord, error: Exception, *, is_again: bool
    ) -> None:
        block: list[Example] = []
        if isinstance(error, UnlearnableBlockError) and isinstance(error.__cause__, Exception):
            block, error = error.examples, error.__cause__
        if not is_poison(error):
            raise error
        if is_again:
            return
        self._quarantine.set_aside(_subject(str(number), record), error)
        for place, example in enumerate(block[:-1]):
            self._quarantine.set_aside(_subject(f"{number}.{place}", example), error)

    def taken(self) -> dict[TopicPartition, list[Message]]:
        """The messages collected since the last call."""
        effects = Effects()
        self._outbox.flush(effects)
        self._begin()
        return effects.messages


def _subject(place: str, record: ExampleRecord) -> QuarantineSubject:
    match record:
        case Example():
            key, app_id = f"{record.target}:{record.install_id}", record.app_id
        case ModelCommand():
            key, app_id = record.model, ""
        case MatchExample():
            key, app_id = ":".join(map(str, record.source)), record.app_id
        case _:
            key, app_id = record.path_id, record.app_id
    return record_subject(place, key, app_id, record, ExampleFrame)
