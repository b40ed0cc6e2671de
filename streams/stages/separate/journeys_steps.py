"""One decision of the journeys stage, record by record: what raises is set aside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from msgspec import MsgspecError

from schemas.records import (
    Installed,
    JourneyFrame,
    JourneyRecord,
    ModelMarker,
    OrderGiven,
    journey_key,
)
from schemas.time import LogMs
from streams.stages.common.working_set import WorkingSet
from streams.stages.journeys.active_models import JourneyContext
from streams.stages.journeys.install_steps import InstallSteps
from streams.stages.journeys.states.install_state import InstallState
from streams.stages.separate.quarantine import (
    Quarantine,
    QuarantineSubject,
    apart,
    record_subject,
    timer_subject,
)


class SeparateInstallSteps(InstallSteps):
    """Applies one batch to installs; a record or a deadline that raises changes nothing."""

    def __init__(
        self, stage: JourneyContext, states: WorkingSet[InstallState], stage_time: LogMs
    ) -> None:
        super().__init__(stage, states, stage_time)
        self.quarantine = Quarantine("journeys", self.outbox, stage.observer)

    def apply(self, record: JourneyRecord) -> None:
        number = self.quarantine.next_number()

        def subject() -> QuarantineSubject:
            if isinstance(record, OrderGiven):
                return record_subject(number, record.order_id, record.app_id, record, JourneyFrame)
            if isinstance(record, ModelMarker):
                return record_subject(number, record.model, "", record, JourneyFrame)
            name = journey_key(record.app_id, record.install_id, is_sandbox=record.is_sandbox)
            found = record_subject(number, name, record.app_id, record, JourneyFrame)
            if found.source is None and (install := self._install(name.encode())) is not None:
                # What is decided of it lacks this record.
                found = replace(found, source=install.source)
            return found

        def act(scratch: InstallSteps) -> None:
            scratch.apply(record)

        apart(self, self.quarantine, act, subject)

    def reconsider_one(self, key: bytes) -> None:
        def act(scratch: InstallSteps) -> None:
            scratch.reconsider_one(key)

        apart(self, self.quarantine, act, lambda: self._subject(key))

    def score_ahead(self, moments: list[tuple[LogMs, bytes]], now: LogMs) -> int:
        """Nothing is: what raised there would be the fault of no record."""
        return len(moments)

    def decide_read(self, key: bytes) -> None:
        def act(scratch: InstallSteps) -> None:
            scratch.decide_read(key)

        self._meet(key, act)

    def fire_one(self, key: bytes, now: LogMs) -> None:
        def act(scratch: InstallSteps) -> None:
            scratch.fire_one(key, now)

        self._meet(key, act)

    def _meet(self, key: bytes, act: Callable[[InstallSteps], None]) -> None:
        if not apart(self, self.quarantine, act, lambda: self._subject(key)):
            self.quarantine.silence(self.states, key)

    def _subject(self, key: bytes) -> QuarantineSubject:
        """A deadline of an install. One that is not decided yet stays so, and its event is
        settled."""
        found = timer_subject(key, self.states, self.stage_time)
        install = self._install(key)
        if install is None:
            return found
        return replace(
            found,
            app_id=install.app_id,
            install_id=install.install_id,
            source=None if self._is_decided(key) else install.source,
        )

    def _install(self, key: bytes) -> Installed | None:
        try:
            state = self.states.get(key)
        except MsgspecError:  # It may be what raised.
            return None
        return state.journey.install if state is not None else None

    def _is_decided(self, key: bytes) -> bool:
        state = self.states.get(key)
        return state is not None and state.journey.version > 0
