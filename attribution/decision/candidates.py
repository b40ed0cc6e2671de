"""Candidates: touchpoints that may have led to an install, with the evidence that joins them."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from schemas.records import Installed, Signal, Touch, TouchKind
from schemas.time import EventMs, LogMs


class Candidate(Struct, frozen=True, array_like=True, gc=False):
    """A touchpoint that may have led to the install, and the strongest evidence for it."""

    signal: Signal
    touch: Touch
    device_ids: int = 0  # that join them: bits of `rules.consent.Use`; 0: none, or not recorded


_NAMING = frozenset({Signal.REFERRER, Signal.CLICK_ID, Signal.ADSERVICES})


def is_named(candidate: Candidate) -> bool:
    """Whether the install itself names the touchpoint: then it came first, whatever clocks say."""
    return candidate.signal in _NAMING


def is_younger(candidate: Candidate, install: Installed) -> bool:
    """Whether the clocks put the touchpoint after the first open that it led to."""
    return candidate.touch.time > install.time and is_named(candidate)


def is_delay_known(candidate: Candidate, install: Installed) -> bool:
    """Whether both times are measured, and not bounds that took the place of wrong ones."""
    touch = candidate.touch
    is_corrected = bool(install.time_correction or touch.time_correction)
    return 0 < touch.time <= install.time and not is_corrected


def without_copies(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Keep a single copy of every event: the same one, whatever the order of the copies."""
    merged: dict[tuple[TouchKind, str], Candidate] = {}
    for candidate in candidates:
        identity = candidate.touch.identity
        kept = merged.get(identity)
        if kept is None:
            merged[identity] = candidate
            continue
        if _copy_order(candidate) < _copy_order(kept):
            candidate, kept = kept, candidate
        if candidate.device_ids and kept.signal is Signal.DEVICE_ID:
            # Two ids of one device may join them, and only one of them may be used.
            kept = replace(kept, device_ids=kept.device_ids | candidate.device_ids)
        merged[identity] = kept
    return list(merged.values())


def _copy_order(candidate: Candidate) -> tuple[int, LogMs, EventMs, str]:
    """Prefer the stronger signal, then the copy logged first, then the one that happened first."""
    touch = candidate.touch
    return candidate.signal, touch.ts, touch.time, touch.touch_id
