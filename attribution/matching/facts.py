"""Facts that matching reports, besides its answers to journeys."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from schemas.outcomes import Disposition
from schemas.records import (
    AccountMoney,
    Candidates,
    ChoiceMade,
    Erased,
    ExposurePath,
    LinksCut,
    Money,
    MoneyRouted,
    OriginalSeen,
    RestoreSeen,
    Source,
    TouchSeen,
)
from schemas.time import EventMs, LogMs

REVISION_BITS = 24
"""Moves of one revision are numbered below this many bits."""


class Settled(Struct, frozen=True, gc=False):
    """The disposition of one source record. Money may be moved; the highest `move` counts."""

    source: Source
    disposition: Disposition
    move: int = 0


def settling_move(money: Money, move: int) -> int:
    """The `move` that settles money: every revision of a booking counts above all moves of the one
    before."""
    return (money.revision << REVISION_BITS) + move


class MoneyWaiting(Struct, frozen=True, gc=False):
    """Money is parked, is released, or has expired."""

    money: Money
    state: Literal["parked", "released", "expired"]
    waits_for: Literal["install", "account", "purchase"]
    deadline: LogMs


class Evicted(Struct, frozen=True, gc=False):
    """A bound of the rule set was exceeded, and `count` entries were evicted."""

    bound: str
    count: int


class KeyShared(Struct, frozen=True, gc=False):
    """A key met too many installs to be evidence for this one."""

    key: str
    install_id: str
    bound: str
    installs: int  # that it met within a day, as far as they are remembered
    time: EventMs
    ts: LogMs


MatchFact = (
    Candidates
    | MoneyRouted
    | AccountMoney
    | Erased
    | LinksCut
    | ChoiceMade
    | ExposurePath
    | TouchSeen
    | RestoreSeen
    | OriginalSeen
    | Settled
    | MoneyWaiting
    | Evicted
    | KeyShared
)
