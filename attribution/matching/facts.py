"""What the match index says besides its answers to journeys: fates and waiting."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from schemas.outcomes import Disposition
from schemas.records import (
    AccountMoney,
    Candidates,
    Erased,
    ExposurePath,
    Money,
    MoneyRouted,
    Source,
)
from schemas.time import LogMs


class Settled(Struct, frozen=True, gc=False):
    """What became of one source record. Money may be moved; the last `move` counts."""

    source: Source
    disposition: Disposition
    move: int = 0


class MoneyWaiting(Struct, frozen=True, gc=False):
    """Money starts to wait, stops waiting, or has waited in vain."""

    money: Money
    state: Literal["parked", "released", "expired"]
    waits_for: Literal["install", "account", "purchase"]
    deadline: LogMs


class Evicted(Struct, frozen=True, gc=False):
    """A bound of the rule set was hit; `bound` is its name."""

    bound: str
    count: int


MatchFact = (
    Candidates
    | MoneyRouted
    | AccountMoney
    | Erased
    | ExposurePath
    | Settled
    | MoneyWaiting
    | Evicted
)
