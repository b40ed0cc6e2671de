"""Features as they were at a landmark: those of later landmarks often only add to the first."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.records import Frozen


def whole(snapshots: Sequence[Frozen]) -> list[Frozen]:
    """Each with all of its features. The first is that of the install, which others add to."""
    if len(snapshots) < 2:
        return list(snapshots)
    first = snapshots[0]
    return [whole_of(first, one) if one.is_addition else one for one in snapshots]


def whole_of(first: Frozen, one: Frozen) -> Frozen:
    if not one.is_addition:
        return one
    slots, values = first.slots + one.slots, first.values + one.values
    return Frozen(one.landmark, slots, values, one.spent_micros)
