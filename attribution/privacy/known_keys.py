"""The match keys under which an install is known, to be told if it is erased."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from attribution.journey.state import Journey
from attribution.matching.facts import Evicted
from attribution.rules.rules import Rules
from schemas.records import ActivitySeen, Installed, JourneyRecord, MoneyRouted

BOUND = "keys_per_install_max"


def keys_in(record: JourneyRecord) -> Sequence[str]:
    """The keys under which matching knows an install since this record. Payments are not among
    them: what they name is kept under the transaction, for its refunds."""
    match record:
        case Installed() | ActivitySeen():
            return record.keys
        case MoneyRouted() if record.money.account:
            return (record.money.account,)
    return ()


def note_keys(
    journey: Journey, record: JourneyRecord, rules: Rules
) -> tuple[Journey, list[Evicted]]:
    """Remember the keys of a record; those beyond the bound are counted, and not remembered."""
    named = keys_in(record)
    if not named or journey.is_purged:
        return journey, []
    known = journey.keys
    new = [key for key in dict.fromkeys(named) if key not in known]
    if not new:
        return journey, []
    room = max(rules.keys_per_install_max - len(known), 0)
    if room:
        journey = replace(journey, keys=[*known, *new[:room]])
    beyond = len(new) - room
    return journey, [Evicted(BOUND, beyond)] if beyond > 0 else []
