"""One decision of the matching stage, record by record: what raises is set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from schemas.records import MatchFrame, MatchRecord, app_of
from schemas.time import LogMs
from streams.stages.common.working_set import WorkingSet
from streams.stages.matching.key_states import KeyState
from streams.stages.matching.match_steps import MATCHING_STAGE, MatchingContext, MatchSteps
from streams.stages.separate.quarantine import (
    Quarantine,
    QuarantineSubject,
    apart,
    record_subject,
    timer_subject,
)


class SeparateMatchSteps(MatchSteps):
    """One decision, record by record: what raises is set aside, and changes nothing."""

    def __init__(self, context: MatchingContext, states: WorkingSet[KeyState]) -> None:
        super().__init__(context, states)
        self.quarantine = Quarantine(MATCHING_STAGE, self.outbox, context.observer)

    def apply(self, record: MatchRecord) -> None:
        number = self.quarantine.next_number()

        def subject() -> QuarantineSubject:
            return record_subject(number, record.key, app_of(record.key), record, MatchFrame)

        def act(scratch: MatchSteps) -> None:
            scratch.apply(record)

        apart(self, self.quarantine, act, subject)

    def _fire_all(self, keys: Sequence[bytes], now: LogMs) -> None:
        for key in keys:
            self._fire_apart(key, now)

    def _fire_apart(self, key: bytes, now: LogMs) -> None:
        def subject() -> QuarantineSubject:
            name = key.decode(errors="replace")
            return replace(timer_subject(key, self.states, now), app_id=app_of(name))

        def fire(scratch: MatchSteps) -> None:
            scratch.fire_one(key, now)

        if not apart(self, self.quarantine, fire, subject):
            self.quarantine.silence(self.states, key)
