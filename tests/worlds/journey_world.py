"""Tells a journey what is known of one install, and reads what it says."""

from __future__ import annotations

from attribution import journey as journeys
from attribution.decision.waterfall import conversion_type
from attribution.journey import Decision, Journey, JourneyFact, Reengagement
from attribution.matching.facts import Evicted, Settled
from attribution.rules.rules import Rules
from schemas.records import (
    JourneyRecord,
)
from tests.worlds.clock import at
from tests.worlds.records import RULES


def tell(
    *records: JourneyRecord, rules: Rules = RULES, start: Journey | None = None
) -> tuple[Journey, list[JourneyFact]]:
    journey, facts = start or Journey(), list[JourneyFact]()
    for record in records:
        journey, new_facts = journeys.advance(journey, record, rules)
        facts += new_facts
    return journey, facts


def decisions(facts: list[JourneyFact]) -> list[tuple[int, str, str]]:
    """Version, reason and credited event of each decision."""
    return [
        (fact.version, fact.reason, fact.winner.touch.event_id if fact.winner else "organic")
        for fact in facts
        if isinstance(fact, Decision)
    ]


def conversions(facts: list[JourneyFact]) -> list[tuple[str, str, str]]:
    """Conversion type, prior install and credited event of each decision."""
    return [
        (
            conversion_type(fact.case, fact.judgement),
            fact.case.prior.install_id if fact.case.prior else "",
            fact.winner.touch.event_id if fact.winner else "organic",
        )
        for fact in facts
        if isinstance(fact, Decision)
    ]


def returns(facts: list[JourneyFact]) -> list[tuple[int, str, str, float]]:
    """Version, reason, event and minute of each re-engagement; 0 when it was withdrawn."""
    return [
        (
            fact.version,
            fact.reason,
            fact.candidate.touch.event_id,
            (fact.session_time - at(0)) / 60_000 if fact.session_time else 0,
        )
        for fact in facts
        if isinstance(fact, Reengagement)
    ]


def in_force(facts: list[JourneyFact]) -> dict[str, tuple[int, int]]:
    """What the last version of each re-engagement says: event to session and expiry."""
    last = {
        fact.candidate.touch.event_id: (fact.session_time, fact.expires_at)
        for fact in facts
        if isinstance(fact, Reengagement)
    }
    return {event: reported for event, reported in last.items() if reported[0]}


def dispositions(facts: list[JourneyFact]) -> list[tuple[str, int]]:
    return [(fact.disposition, fact.move) for fact in facts if isinstance(fact, Settled)]


def evictions(facts: list[JourneyFact]) -> list[Evicted]:
    return [fact for fact in facts if isinstance(fact, Evicted)]
