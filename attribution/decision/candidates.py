"""Candidates: touchpoints that may have led to an install, with the evidence that joins them."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from schemas.records import Signal, Touch, TouchKind
from schemas.time import EventMs, LogMs


class Candidate(Struct, frozen=True, array_like=True, gc=False):
    """A touchpoint that may have led to the install, and the strongest evidence for it."""

    signal: Signal
    touch: Touch


def without_copies(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Keep a single copy of every event: the same one, whatever the order of the copies."""
    merged: dict[tuple[TouchKind, str], Candidate] = {}
    for candidate in candidates:
        identity = candidate.touch.identity
        kept = merged.get(identity)
        if kept is None or _copy_order(candidate) < _copy_order(kept):
            merged[identity] = candidate
    return list(merged.values())


def _copy_order(candidate: Candidate) -> tuple[int, LogMs, EventMs, str]:
    """Prefer the stronger signal, then the copy logged first, then the one that happened first."""
    touch = candidate.touch
    return candidate.signal, touch.ts, touch.time, touch.touch_id
