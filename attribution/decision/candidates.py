"""A touchpoint that may have led to an install, with the evidence that joined the two."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from schemas.records import Signal, Touch
from schemas.time import EventMs, LogMs


class Candidate(Struct, frozen=True, array_like=True, gc=False):
    """A touchpoint that may have led to the install, and the strongest evidence for it."""

    signal: Signal
    touch: Touch


def once_each(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Of several copies of one event the same is kept in any order."""
    merged: dict[str, Candidate] = {}
    for one in candidates:
        other = merged.get(one.touch.event_id)
        if other is None or _copy_order(one) < _copy_order(other):
            merged[one.touch.event_id] = one
    return list(merged.values())


def _copy_order(candidate: Candidate) -> tuple[int, LogMs, EventMs, str]:
    """The stronger signal counts, then what was logged and what happened first."""
    touch = candidate.touch
    return candidate.signal, touch.ts, touch.time, touch.touch_id
