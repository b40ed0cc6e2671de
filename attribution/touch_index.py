"""Touchpoints and installs seen under one match key (a click id or a device id).

Whichever comes first is remembered, so the pair is found in any order. The index forwards every
touchpoint that could matter; the journey decides.
"""

from __future__ import annotations

from msgspec import Struct

from attribution.facts import Evicted, MatchFact, Settled
from attribution.rules import Rules
from schemas.records import Candidates, InstallSeen, Signal, Touch, TouchSeen


class IndexedInstall(Struct, frozen=True, array_like=True, gc=False):
    install_id: str
    signal: Signal
    time: int
    ts: int


class TouchIndex(Struct, frozen=True, array_like=True, tag=1):
    """Both lists in order of (time, id)."""

    touches: list[Touch] = []
    installs: list[IndexedInstall] = []


EMPTY = TouchIndex()


def could_matter(touch: Touch, install: IndexedInstall, rules: Rules) -> bool:
    """Whether a journey may see this touchpoint at all; compares the two records, nothing else."""
    return (
        touch.time <= install.time
        and install.time - touch.time <= rules.click_window_ms_max
        and touch.ts - install.ts <= rules.late_ms_max
        and install.ts - touch.ts <= rules.click_window_ms_max + rules.late_ms_max
    )


def see_touch(
    index: TouchIndex | None, seen: TouchSeen, rules: Rules
) -> tuple[TouchIndex, list[MatchFact]]:
    touch = seen.touch
    if index is None:
        facts: list[MatchFact] = [Settled(seen.source, "decided")] if seen.is_home else []
        return TouchIndex([touch], []), facts
    if any(known.event_id == touch.event_id for known in index.touches):
        return index, [Settled(seen.source, "duplicate")] if seen.is_home else []
    facts = [Settled(seen.source, "decided")] if seen.is_home else []
    facts += [
        Candidates(install.install_id, install.signal, -1, [touch])
        for install in index.installs
        if could_matter(touch, install, rules)
    ]
    touches = sorted([*index.touches, touch], key=_touch_order)
    if len(touches) > rules.touches_per_key_max:
        touches = touches[-rules.touches_per_key_max :]
        facts.append(Evicted("touches_per_key_max", 1))
    return TouchIndex(touches, index.installs), facts


def see_install(
    index: TouchIndex | None, seen: InstallSeen, rules: Rules
) -> tuple[TouchIndex, list[MatchFact]]:
    index = index or EMPTY
    install = IndexedInstall(seen.install_id, seen.signal, seen.time, seen.ts)
    touches = [touch for touch in index.touches if could_matter(touch, install, rules)]
    facts: list[MatchFact] = [Candidates(seen.install_id, seen.signal, seen.ordinal, touches)]
    if any(known.install_id == seen.install_id for known in index.installs):
        return index, facts
    installs = sorted([*index.installs, install], key=_install_order)
    if len(installs) > rules.installs_per_key_max:
        installs = installs[-rules.installs_per_key_max :]
        facts.append(Evicted("installs_per_key_max", 1))
    return TouchIndex(index.touches, installs), facts


def useless_from(index: TouchIndex, rules: Rules) -> int:
    """Log time from which nothing in the index can matter any more."""
    touched = installed = 0
    for touch in index.touches:
        if touch.ts > touched:
            touched = touch.ts
    for install in index.installs:
        if install.ts > installed:
            installed = install.ts
    return max(touched + rules.touch_retention_ms, installed + 2 * rules.late_ms_max)


def _touch_order(touch: Touch) -> tuple[int, str]:
    return touch.time, touch.event_id


def _install_order(install: IndexedInstall) -> tuple[int, str]:
    return install.time, install.install_id
