"""The product's pure core, wired as the matching and journeys stages wire it, in memory.

No frames, no watermarks, no storage: a record goes to the state of its key, what that says goes
to the journey of its install, and every fact is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from attribution import journey as journeys
from attribution.decision.waterfall import Review, review, run_waterfall
from attribution.journey import Decision, Journey, JourneyFact, Reengagement
from attribution.journey.decisions import case_of
from attribution.matching import touch_index
from attribution.matching.facts import Evicted, MatchFact
from attribution.matching.touch_index import TouchIndex
from attribution.privacy import key_requests
from attribution.rules.consent import Use
from attribution.rules.rules import Rules
from schemas.records import (
    ActivitySeen,
    Candidates,
    ChoiceMade,
    ChoiceSeen,
    Erased,
    ErasureSeen,
    Installed,
    InstallSeen,
    LinksCut,
    Signal,
    SiteVerdict,
    TouchSeen,
)
from schemas.time import LogMs
from tests.oracle.history import History, is_vendor_key, own_key


class Impatience(NamedTuple):
    """Log time has come so far for this install: it decides with what it has."""

    install_id: str
    now: int


MatchedRecord = TouchSeen | InstallSeen | ErasureSeen | ChoiceSeen
JourneyRecord = (
    Candidates
    | Installed
    | ActivitySeen
    | SiteVerdict
    | Erased
    | LinksCut
    | ChoiceMade
    | Impatience
)
Record = MatchedRecord | JourneyRecord


def records_of(history: History) -> list[Record]:
    """What intake would write on `match` and `journeys`; any order of it may arrive."""
    found: list[Record] = [
        TouchSeen(key, shown.touch, (0, 0, number), at == 0)
        for number, shown in enumerate(history.shown)
        for at, key in enumerate(shown.keys)
    ]
    for opened in history.opened:
        install = opened.install
        found.append(install)
        found += [
            InstallSeen(
                key,
                install.install_id,
                signal,
                number,
                install.time,
                install.ts,
                device_ids=_device_ids(key, signal),
            )
            for number, (key, signal) in enumerate(opened.lookups)
        ]
    for session, key in history.visits:
        found.append(session)
        if key:
            found.append(
                InstallSeen(key, session.install_id, Signal.CLICK_ID, -1, session.time, session.ts)
            )
    return [*found, *history.verdicts, *history.erasures, *_choices(history)]


def _device_ids(key: str, signal: Signal) -> int:
    if signal is not Signal.DEVICE_ID:
        return 0
    return Use.VENDOR_ID if is_vendor_key(key) else Use.ADVERTISING_ID


def _choices(history: History) -> list[ChoiceSeen | ChoiceMade]:
    own = {own_key(one.install.install_id): one.install.install_id for one in history.opened}
    return [
        ChoiceMade(own[one.key], one.request_id, one.ts, one.is_refused, "")
        if one.key in own
        else one
        for one in history.choices
    ]


class Reported(NamedTuple):
    """What the core says in the end, and how often it changed its mind."""

    decisions: dict[str, Decision]
    reviews: dict[str, Review]  # as they would be told now, without a new version
    reengagements: dict[str, Reengagement]  # by conversion id, the withdrawn ones left out
    versions: int


class Router:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._indexes: dict[str, TouchIndex] = {}
        self._journeys: dict[str, Journey] = {}
        self.decisions: dict[str, list[Decision]] = {}
        self.reengagements: dict[str, list[Reengagement]] = {}

    def reported(self) -> Reported:
        returned = {name: output[-1] for name, output in self.reengagements.items()}
        return Reported(
            {name: output[-1] for name, output in self.decisions.items()},
            {name: self._review(self._journeys[name]) for name in self.decisions},
            {name: output for name, output in returned.items() if output.session_time},
            sum(map(len, self.decisions.values())),
        )

    def _review(self, journey: Journey) -> Review:
        case = case_of(journey, self._rules)
        judgement = run_waterfall(journey.candidates, case, self._rules)
        return review(journey.candidates, case, judgement, self._rules)

    def feed(self, records: Iterable[Record]) -> None:
        for record in records:
            if isinstance(record, MatchedRecord):
                self._match(record)
            else:
                self._advance(record)

    def _match(self, record: MatchedRecord) -> None:
        known = self._indexes.get(record.key)
        self._indexes[record.key], facts = match_step(known, record, self._rules)
        for fact in facts:
            assert not isinstance(fact, Evicted), fact
            if isinstance(fact, Candidates | Erased | LinksCut | ChoiceMade):
                self._advance(fact)

    def _advance(self, record: JourneyRecord) -> None:
        name = record.install_id
        journey = self._journeys.get(name) or Journey()
        self._journeys[name], facts = step(journey, record, self._rules)
        for fact in facts:
            assert not isinstance(fact, Evicted), fact
            if isinstance(fact, Decision):
                self.decisions.setdefault(name, []).append(fact)
            elif isinstance(fact, Reengagement):
                conversion = f"{name}~{fact.candidate.touch.event_id}"
                self.reengagements.setdefault(conversion, []).append(fact)


def match_step(
    index: TouchIndex | None, record: MatchedRecord, rules: Rules
) -> tuple[TouchIndex, list[MatchFact]]:
    match record:
        case TouchSeen():
            return touch_index.index_touch(index, record, rules)
        case InstallSeen():
            return touch_index.index_install(index, record, rules)
        case ErasureSeen():
            return key_requests.erase_key(index, record, rules)
        case ChoiceSeen():
            return key_requests.choose_by_key(index, record, rules)


def step(
    journey: Journey, record: JourneyRecord, rules: Rules
) -> tuple[Journey, list[JourneyFact]]:
    match record:
        case Candidates():
            return journeys.add_candidates(journey, record, rules)
        case Installed():
            return journeys.add_install(journey, record, rules)
        case ActivitySeen():
            return journeys.add_activity(journey, record, rules)
        case SiteVerdict():
            return journeys.add_site_verdict(journey, record, rules)
        case LinksCut() | ChoiceMade():
            return journeys.advance(journey, record, rules)
        case Erased():
            return journeys.request_erasure(journey, record, rules)
        case Impatience():
            return journeys.meet_deadlines(journey, LogMs(record.now), rules)
