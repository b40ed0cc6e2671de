"""Who has asked under one key to be forgotten, and whom a request is about.

A request is about everybody who was logged under the key until then; who comes later begins anew.
Of several the first that is about somebody counts, whichever becomes known first.
"""

from __future__ import annotations

from bisect import insort

from msgspec import Struct

from attribution.matching.facts import Evicted
from attribution.rules.rules import Rules
from schemas.records import Erased, ErasureSeen
from schemas.time import LogMs


class Erasure(Struct, frozen=True, array_like=True, order=True, gc=False):
    ts: LogMs
    request_id: str

    def of(self, install_id: str) -> Erased:
        return Erased(install_id, self.request_id, self.ts)


def note_erasure(
    known: list[Erasure], seen: ErasureSeen, rules: Rules
) -> tuple[list[Erasure], list[Evicted]]:
    """In order of log time; beyond the bound the oldest go, which are about the fewest."""
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
    """The first request about somebody who was logged at `ts`."""
    return next((one for one in known if ts <= one.ts), None)


def latest_ts(known: list[Erasure]) -> LogMs:
    """Whoever was logged up to then has asked to be forgotten; 0: nobody."""
    return known[-1].ts if known else LogMs(0)
