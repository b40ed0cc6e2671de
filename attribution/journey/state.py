"""The state of one journey, and the facts that its steps report."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from attribution.decision.candidates import Candidate
from attribution.decision.reengagement import Reengaged, SessionTimes
from attribution.decision.waterfall import Case, Review, WaterfallResult
from attribution.journey.activity_marks import NO_MARKS, ActiveDay, ActivityMarks, Milestone
from attribution.matching.facts import Evicted, Settled
from attribution.privacy.choices import PrivacyChoice
from schemas.outcomes import DecisionReason
from schemas.records import ActivitySeen, Installed, MoneyRouted, Prior, SiteVerdict
from schemas.time import EventMs, LogMs


def event_hash(event_id: str) -> int:
    """By which a journey remembers the activity that it has seen."""
    return int.from_bytes(hashlib.blake2b(event_id.encode(), digest_size=7).digest())


class Decision(Struct, frozen=True, gc=False):
    """One version of a decision. `decided_at` is the log time of the record that caused it."""

    version: int
    reason: DecisionReason
    case: Case
    judgement: WaterfallResult
    review: Review
    decided_at: LogMs
    is_erased: bool

    @property
    def winner(self) -> Candidate | None:
        """None: organic."""
        return self.judgement.winner


class Reengagement(Struct, frozen=True, gc=False):
    """One version of a re-engagement; `session_time` 0: it is withdrawn."""

    version: int
    reason: DecisionReason
    install: Installed
    candidate: Candidate
    session_time: EventMs
    expires_at: EventMs
    decided_at: LogMs
    is_erased: bool
    choices: Sequence[PrivacyChoice] = ()  # of the person: to be opted out, or in again


class Waiting(Struct, frozen=True, gc=False):
    """A record is parked until its install is known, is released, or has expired."""

    record: ActivitySeen | MoneyRouted
    state: Literal["parked", "released", "expired"]
    deadline: LogMs


class ActivityApplied(Struct, frozen=True, gc=False):
    """Activity of an install that is known."""

    activity: ActivitySeen


class MoneyApplied(Struct, frozen=True, gc=False):
    """Money booked to the install, or taken from it."""

    routed: MoneyRouted


JourneyFact = (
    Decision
    | Reengagement
    | Waiting
    | ActivityApplied
    | MoneyApplied
    | ActiveDay
    | Milestone
    | Settled
    | Evicted
)


class Journey(Struct, frozen=True, array_like=True):
    """Everything known of one install. Stored as an array: new fields go to the end."""

    install: Installed | None = None
    answered: int = 0  # bit per lookup ordinal
    candidates: list[Candidate] = []  # best first
    version: int = 0  # 0: undecided
    decided: str = ""  # the current version as text, to notice changes
    waiting: list[ActivitySeen | MoneyRouted] = []
    activity_ids: list[int] = []  # hashes of the latest event ids, for duplicates
    last_ts: LogMs = LogMs(0)
    priors: list[Prior] = []  # installs of the same device, in order of (time, id)
    sessions: list[SessionTimes] = []  # in order of time
    retargeting: list[Candidate] = []  # after the install, in order of (time, id)
    reengaged: list[Reengaged] = []
    settled_until: EventMs = EventMs(
        0
    )  # re-engagements until then stay: what they rest on is forgotten
    site_verdicts: list[SiteVerdict] = []
    erased_ts: LogMs = LogMs(0)  # the user asked to be forgotten; 0: nobody asked
    is_purged: bool = False  # the request has been carried out
    unbooked: list[int] = []  # hashes of money evicted while it waited, so that none is taken back
    marks: ActivityMarks = NO_MARKS
    has_device_lookup: bool = False  # matching has answered a lookup by device id
    cut_ts: LogMs = LogMs(0)  # no device id links the install to what was logged until then
    choices: list[PrivacyChoice] = []  # to be opted out, or in again, in order of log time
    erased_by: str = ""  # the request of `erased_ts`
    keys: list[str] = []  # of matching, under which the install is known
    cut_clicks: list[tuple[str, LogMs]] = []  # what these brought until then is not linked to it


def is_test(journey: Journey) -> bool:
    """Whether this is the journey of test traffic, which teaches nobody anything."""
    return journey.install is not None and journey.install.is_sandbox


JourneyStep = tuple[Journey, list[JourneyFact]]
