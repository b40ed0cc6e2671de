"""Frozen features: those of later landmarks are often stored as additions to the first."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.records import Frozen


def whole(snapshots: Sequence[Frozen]) -> list[Frozen]:
    """The snapshots, each with all of its features. The first is that of the install."""
    if len(snapshots) < 2:
        return list(snapshots)
    slots, values = snapshots[0].slots, snapshots[0].values
    return [
        Frozen(one.landmark, slots + one.slots, values + one.values, one.spent_micros)
        if one.is_addition
        else one
        for one in snapshots
    ]


def whole_of(first: Frozen, frozen: Frozen) -> Frozen:
    """A snapshot with all of its features; `first`: that of the same install."""
    if not frozen.is_addition:
        return frozen
    slots, values = first.slots + frozen.slots, first.values + frozen.values
    return Frozen(frozen.landmark, slots, values, frozen.spent_micros)
