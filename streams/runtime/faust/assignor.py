"""Assigns partitions to workers: co-partitioned, sticky and balanced.

Partition number p of every partitioned topic is one unit, owned by one worker; every
single-partition topic is a unit of its own. Moving a unit costs a state recovery, so it stays where
it is as long as the numbers of units per worker differ by at most one.

A member that subscribes to nothing but single-partition topics stands apart: it gets those, and no
other member does while it is there. So learning moves to a worker of its own when one joins, and
back when it is gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from aiokafka.errors import LeaderNotAvailableError

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
    heeds_subscriptions: bool = False
    """Whether the member, were it to lead, gives nobody what it has not subscribed to; builds that
    knew no workers apart did."""


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


def plan_apart(
    units: Collection[Unit],
    claims: Mapping[str, Claim],
    apart: Mapping[Unit, Collection[str]],
) -> dict[str, list[Unit]]:
    """As `plan`, where each unit of `apart` belongs to one of these members, and those members get
    no other. Where all members stand apart, nobody owns the units that are left."""
    planned: dict[str, list[Unit]] = {member: [] for member in claims}
    own = {unit: members for unit, members in apart.items() if unit in units and members}
    for unit, members in sorted(own.items()):
        for member, won in plan([unit], {one: claims[one] for one in members}).items():
            planned[member] += won
    hermits = {member for members in apart.values() for member in members}
    if others := {member: claim for member, claim in claims.items() if member not in hermits}:
        planned |= plan([unit for unit in units if unit not in own], others)
    return planned


def _order(unit: Unit) -> tuple[bool, int, str]:
    """Single-partition topics first: their state is the most expensive to move."""
    return (unit.isdecimal(), int(unit) if unit.isdecimal() else 0, unit)


class CoPartitionedAssignor(AbstractPartitionAssignor):
    """`plan` behind aiokafka's assignor interface; one object per consumer, which keeps its claim.

    `generation` returns the generation of the group that the consumer has joined, and `look_again`
    has it ask Kafka anew which partitions there are.
    """

    name = "headwater-co-partitioned"

    def __init__(
        self,
        single: Iterable[str],
        generation: Any = lambda: 0,
        look_again: Callable[[], object] = lambda: None,
    ) -> None:
        self._single = frozenset(single)
        self._generation = generation
        self._look_again = look_again
        self._needed: set[str] = set()
        self._claim = Claim(heeds_subscriptions=True)

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        claim = msgspec.msgpack.encode(self._claim)
        self._needed.update(topics)
        return ConsumerProtocolMemberMetadata(_VERSION, sorted(topics), claim)

    def assign(
        self, cluster: Any, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        topics_of = {member: set(metadata.subscription) for member, metadata in members.items()}
        topics = sorted(set().union(*topics_of.values()))
        partitions = {topic: sorted(cluster.partitions_for_topic(topic) or ()) for topic in topics}
        self._require(partitions)
        claims = {member: claim_of(metadata.user_data) for member, metadata in members.items()}
        hermits = [member for member, wanted in topics_of.items() if wanted <= self._single]
        apart = {
            topic: [member for member in hermits if topic in topics_of[member]]
            for topic in self._single
        }
        planned = plan_apart(self._units(partitions), claims, apart)
        return {
            member: ConsumerProtocolMemberAssignment(
                _VERSION,
                self._partitions_of(
                    units, {topic: partitions[topic] for topic in sorted(topics_of[member])}
                ),
                b"",
            )
            for member, units in planned.items()
        }

    def _require(self, partitions: Mapping[str, Sequence[int]]) -> None:
        """LeaderNotAvailableError when a topic has no partitions that this consumer reads, or that
        had some before. Nobody would be given any, and aiokafka asks again after five minutes."""
        unknown = sorted(topic for topic in self._needed if not partitions.get(topic, (0,)))
        self._needed.update(topic for topic, numbers in partitions.items() if numbers)
        if unknown:
            self._look_again()
            raise LeaderNotAvailableError(f"no partitions are known of {', '.join(unknown)}")

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        owned = {
            topic if topic in self._single else str(number)
            for topic, numbers in assignment.assignment
            for number in numbers
        }
        self._claim = Claim(self._generation(), tuple(sorted(owned)), heeds_subscriptions=True)

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


def claim_of(user_data: bytes | None) -> Claim:
    """What a member says of itself as it joins; nothing when it cannot be read."""
    try:
        return msgspec.msgpack.decode(user_data or b"", type=Claim)
    except msgspec.DecodeError:
        return Claim()
