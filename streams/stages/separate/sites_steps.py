"""One decision of the sites stage, record by record: what raises is set aside."""

from __future__ import annotations

from schemas.records import SiteFrame, SiteRecord
from streams.stages.common.working_set import WorkingSet
from streams.stages.separate.quarantine import (
    Quarantine,
    QuarantineSubject,
    apart,
    record_subject,
    timer_subject,
)
from streams.stages.sites.day_steps import SiteState
from streams.stages.sites.site_steps import SITES_STAGE, SiteContext, SiteSteps


class SeparateSiteSteps(SiteSteps):
    """One decision, record by record: what raises is set aside, and changes nothing."""

    def __init__(self, stage: SiteContext, states: WorkingSet[SiteState]) -> None:
        super().__init__(stage, states)
        self.quarantine = Quarantine(SITES_STAGE, self.verdicts.outbox, stage.observer)

    def apply(self, record: SiteRecord) -> None:
        number = self.quarantine.next_number()

        def subject() -> QuarantineSubject:
            app_id = record.key.split("\x1f", 1)[0]
            return record_subject(number, record.key, app_id, record, SiteFrame)

        def act(scratch: SiteSteps) -> None:
            scratch.apply(record)

        apart(self, self.quarantine, act, subject)

    def fire_one(self, key: bytes) -> None:
        def act(scratch: SiteSteps) -> None:
            scratch.fire_one(key)

        def subject() -> QuarantineSubject:
            return timer_subject(key, self.states, self.now)

        if not apart(self, self.quarantine, act, subject):
            self.quarantine.silence(self.states, key)
