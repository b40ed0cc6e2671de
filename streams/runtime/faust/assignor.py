"""Assigns partitions to workers: co-partitioned, sticky and balanced.

Partition number p of every partitioned topic is one unit, owned by one worker; every
single-partition topic is a unit of its own. Moving a unit costs a state recovery, so it stays where
it is as long as the numbers of units per worker differ by at most one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from streams.runtime.faust.internals import (
    AbstractPartitionAssignor,
    ConsumerProtocolMemberAssignment,
    ConsumerProtocolMemberMetadata,
)

_VERSION = 0

Unit = str
"""A partition number as decimal digits, or the name of a single-partition topic."""


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """The units that a member owned, as of a generation of the group."""

    generation: int = -1
    units: tuple[Unit, ...] = ()


def plan(units: Collection[Unit], claims: Mapping[str, Claim]) -> dict[str, list[Unit]]:
    """The units of each member; as few of them move as balance allows.

    When two members claim the same unit, the claim of the later generation holds.
    """
    owners: dict[Unit, str] = {}
    by_age = sorted(claims, key=lambda member: (claims[member].generation, member))
    for member in by_age:
        owners |= {unit: member for unit in claims[member].units if unit in units}
    held = Counter(owners.values())
    fair, extra = divmod(len(units), len(claims))
    # Members that hold the most keep the extra units, so that those do not move.
    ranked = sorted(claims, key=lambda member: (-held[member], member))
    quota = {member: fair + (rank < extra) for rank, member in enumerate(ranked)}
    planned: dict[str, list[Unit]] = {member: [] for member in ranked}
    homeless = []
    for unit in sorted(units, key=_order):
        member = owners.get(unit, "")
        if member and len(planned[member]) < quota[member]:
            planned[member].append(unit)
        else:
            homeless.append(unit)
    for unit in homeless:
        member = next(name for name in ranked[::-1] if len(planned[name]) < quota[name])
        planned[member].append(unit)
    return planned


def _order(unit: Unit) -> tuple[bool, int, str]:
    """Single-partition topics first: their state is the most expensive to move."""
    return (unit.isdecimal(), int(unit) if unit.isdecimal() else 0, unit)


class CoPartitionedAssignor(AbstractPartitionAssignor):
    """`plan` behind aiokafka's assignor interface; one object per consumer, which keeps its claim.

    `generation` returns the generation of the group that the consumer has joined.
    """

    name = "headwater-co-partitioned"

    def __init__(self, single: Iterable[str], generation: Any = lambda: 0) -> None:
        self._single = frozenset(single)
        self._generation = generation
        self._claim = Claim()

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        claim = msgspec.msgpack.encode(self._claim)
        return ConsumerProtocolMemberMetadata(_VERSION, sorted(topics), claim)

    def assign(
        self, cluster: Any, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        topics = sorted({topic for member in members.values() for topic in member.subscription})
        partitions = {topic: sorted(cluster.partitions_for_topic(topic) or ()) for topic in topics}
        claims = {member: _claim(metadata.user_data) for member, metadata in members.items()}
        planned = plan(self._units(partitions), claims)
        return {
            member: ConsumerProtocolMemberAssignment(
                _VERSION, self._partitions_of(units, partitions), b""
            )
            for member, units in planned.items()
        }

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        owned = {
            topic if topic in self._single else str(number)
            for topic, numbers in assignment.assignment
            for number in numbers
        }
        self._claim = Claim(self._generation(), tuple(sorted(owned)))

    def _units(self, partitions: Mapping[str, Sequence[int]]) -> set[Unit]:
        units = {
            topic for topic, numbers in partitions.items() if topic in self._single and numbers
        }
        for topic, numbers in partitions.items():
            if topic not in self._single:
                units |= {str(number) for number in numbers}
        return units

    def _partitions_of(
        self, units: Sequence[Unit], partitions: Mapping[str, Sequence[int]]
    ) -> list[tuple[str, list[int]]]:
        owned = set(units)
        chosen = {
            topic: [n for n in numbers if (topic if topic in self._single else str(n)) in owned]
            for topic, numbers in partitions.items()
        }
        return [(topic, numbers) for topic, numbers in chosen.items() if numbers]


def _claim(user_data: bytes | None) -> Claim:
    try:
        return msgspec.msgpack.decode(user_data or b"", type=Claim)
    except msgspec.DecodeError:
        return Claim()
