"""Erasure requests under one key, and the installs that they concern.

A request concerns every install logged under the key up to then; an install logged later starts
afresh, and is linked to no touchpoint and no install that was logged before the request. Of several
requests that concern an install the first by log time counts, in whatever order they arrive.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable

from msgspec import Struct

from attribution.matching.facts import Evicted
from attribution.rules.rules import Rules
from schemas.records import Erased, ErasureSeen
from schemas.time import LogMs


class Erasure(Struct, frozen=True, array_like=True, order=True, gc=False):
    """One erasure request."""

    ts: LogMs
    request_id: str

    def of(self, install_id: str, scope: tuple[str, bool]) -> Erased:
        """The request as the journey of this install receives it."""
        return Erased(install_id, self.request_id, self.ts, *scope)


class ErasedInstall(Struct, frozen=True, array_like=True, order=True, gc=False):
    """An install under a key that was erased by a request which names another of its keys."""

    ts: LogMs  # what was logged of it until then is forgotten
    install_id: str  # "": it has been forgotten
    is_cut: bool  # nothing that was logged until `ts` is linked to what comes later


def note_erasure(
    known: list[Erasure], seen: ErasureSeen, rules: Rules
) -> tuple[list[Erasure], list[Evicted]]:
    """Add a request, in order of log time. Beyond the bound the oldest, which concern the fewest
    installs, are evicted."""
    asked = Erasure(seen.ts, seen.request_id)
    if asked in known:
        return known, []
    erasures = list(known)
    insort(erasures, asked)
    surplus = len(erasures) - rules.erasures_per_key_max
    if surplus <= 0:
        return erasures, []
    return erasures[surplus:], [Evicted("erasures_per_key_max", surplus)]


def asked_after(known: list[Erasure], ts: LogMs) -> Erasure | None:
    """The first request that concerns an install logged at `ts`; None: there is none."""
    return next((one for one in known if ts <= one.ts), None)


def cut_at(known: list[Erasure], ts: LogMs) -> LogMs:
    """Log time of the last request before an install logged at `ts`: it is not linked to what was
    logged until then. 0: there is none."""
    return max((one.ts for one in known if one.ts < ts), default=LogMs(0))


def is_cut_between(known: list[Erasure], one: LogMs, other: LogMs) -> bool:
    """Whether somebody asked to be forgotten between two installs, by their log times."""
    return min(one, other) <= cut_at(known, max(one, other))


def with_cuts(known: list[Erasure], erased: Iterable[ErasedInstall]) -> list[Erasure]:
    """The requests, and the erased installs behind whom nobody is linked to what was before."""
    return sorted([*known, *(Erasure(one.ts, "") for one in erased if one.is_cut)])


def latest_ts(known: list[Erasure]) -> LogMs:
    """Log time of the latest request: it concerns everything logged up to then. 0: no request."""
    return known[-1].ts if known else LogMs(0)
