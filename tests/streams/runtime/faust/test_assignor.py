"""Which worker gets which partition number as workers join and leave."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import LeaderNotAvailableError
from hypothesis import given
from hypothesis import strategies as st

from streams.runtime.faust.assignor import (
    Claim,
    CoPartitionedAssignor,
    plan,
)

NUMBERS = {str(number) for number in range(12)}


def moved(before: dict[str, list[str]], after: dict[str, list[str]]) -> int:
    owner = {unit: member for member, units in before.items() for unit in units}
    return sum(
        owner[unit] in after and owner[unit] != member
        for member, units in after.items()
        for unit in units
    )


def claims_of(planned: dict[str, list[str]], generation: int = 1) -> dict[str, Claim]:
    return {member: Claim(generation, tuple(units)) for member, units in planned.items()}


members = st.sets(st.sampled_from("abcdefgh"), min_size=1)


@given(members, members, st.integers(1, 12))
def test_every_unit_has_one_owner_and_loads_differ_by_at_most_one(
    first: set[str], second: set[str], count: int
) -> None:
    units = sorted(NUMBERS)[:count]
    before = plan(units, {member: Claim() for member in first})
    claims = {member: claims_of(before).get(member, Claim()) for member in second}
    after = plan(units, claims)
    assert sorted(unit for owned in after.values() for unit in owned) == sorted(units)
    loads = [len(after[member]) for member in second]
    assert max(loads) - min(loads) <= 1


@given(members)
def test_nothing_moves_when_nobody_came_or_went(workers: set[str]) -> None:
    before = plan(NUMBERS, {member: Claim() for member in workers})
    assert moved(before, plan(NUMBERS, claims_of(before))) == 0


@given(members, st.sampled_from("xyz"))
def test_a_worker_that_joins_takes_only_its_fair_share(workers: set[str], joiner: str) -> None:
    before = plan(NUMBERS, {member: Claim() for member in workers})
    after = plan(NUMBERS, {**claims_of(before), joiner: Claim()})
    assert moved(before, after) == len(after[joiner]) <= len(NUMBERS) / (len(workers) + 1)


def test_the_second_of_two_workers_takes_half_of_four_partitions() -> None:
    before = plan({"0", "1", "2", "3"}, {"a": Claim()})
    after = plan({"0", "1", "2", "3"}, {**claims_of(before), "b": Claim()})
    assert moved(before, after) == 2


def test_a_worker_that_leaves_moves_only_what_it_had() -> None:
    before = plan(NUMBERS, {member: Claim() for member in "abc"})
    stayed = {member: claim for member, claim in claims_of(before).items() if member != "b"}
    assert moved(before, plan(NUMBERS, stayed)) == 0


def test_of_two_claims_the_later_generation_is_true() -> None:
    claims = {"sleeper": Claim(3, ("0", "1")), "successor": Claim(5, ("0", "1"))}
    planned = plan({"0", "1", "2", "3"}, claims)
    assert planned["successor"][:2] == ["0", "1"]


def test_a_partition_number_brings_all_topics_and_single_topics_move_alone() -> None:
    partitions = {"installs": {0, 1}, "journeys": {0, 1}, "examples": {0}}
    cluster = SimpleNamespace(partitions_for_topic=partitions.get)
    workers = {name: CoPartitionedAssignor({"examples"}) for name in ("a", "b", "c")}
    joined = {name: worker.metadata(partitions) for name, worker in workers.items()}
    assigned = workers["a"].assign(cluster, joined)
    owned = sorted(sorted(map(tuple, map(_flat, a.assignment))) for a in assigned.values())
    assert owned == [
        [("examples", 0)],
        [("installs", 0), ("journeys", 0)],
        [("installs", 1), ("journeys", 1)],
    ]


@pytest.mark.parametrize("subscribed", [["installs", "examples"], ["examples"]])
def test_a_topic_whose_partitions_are_unknown_is_assigned_to_nobody_as_if_it_had_none(
    subscribed: list[str],
) -> None:
    """Own topics have some, and so has what had some before."""
    partitions = {"installs": {0, 1}, "examples": {0}}
    looked: list[int] = []
    leader = CoPartitionedAssignor({"examples"}, lambda: 0, lambda: looked.append(1))
    member = CoPartitionedAssignor({"examples"})
    joined = {"a": leader.metadata(subscribed), "b": member.metadata(["installs"])}
    leader.assign(SimpleNamespace(partitions_for_topic=partitions.get), joined)
    partitions.pop("installs")
    with pytest.raises(LeaderNotAvailableError, match="installs"):
        leader.assign(SimpleNamespace(partitions_for_topic=partitions.get), joined)
    assert looked == [1]


def _flat(topic: tuple[str, list[int]]) -> tuple[str, int]:
    name, (number,) = topic
    return name, number


def test_an_owner_claims_its_units_in_the_next_generation() -> None:
    partitions = {"installs": {0, 1, 2, 3}, "examples": {0}}
    cluster = SimpleNamespace(partitions_for_topic=partitions.get)
    owner, joiner = (CoPartitionedAssignor({"examples"}, lambda: 4) for _ in range(2))
    first = owner.assign(cluster, {"a": owner.metadata(partitions)})
    owner.on_assignment(first["a"])
    second = owner.assign(
        cluster, {"a": owner.metadata(partitions), "0": joiner.metadata(partitions)}
    )
    kept = dict(second["a"].assignment)
    assert kept == {"examples": [0], "installs": [0, 1]}


def test_a_member_with_unreadable_claims_is_served_like_a_new_one() -> None:
    cluster = SimpleNamespace(partitions_for_topic={"installs": {0}}.get)
    assignor = CoPartitionedAssignor(())
    stranger = SimpleNamespace(subscription=["installs"], user_data=b"\xffnonsense")
    assigned = assignor.assign(cluster, {"a": stranger})
    assert list(assigned["a"].assignment) == [("installs", [0])]


SINGLE = "examples"
PARTITIONS = {"installs": set(range(4)), "journeys": set(range(4)), SINGLE: {0}}
CLUSTER = SimpleNamespace(partitions_for_topic=PARTITIONS.get)
ALL_TPS = sorted((topic, p) for topic, numbers in PARTITIONS.items() for p in numbers)


class Group:
    """A consumer group of core and learning workers, whose first member leads."""

    def __init__(self) -> None:
        self.generation = 0
        self._assignors: dict[str, CoPartitionedAssignor] = {}

    def rebalance(self, *names: str) -> dict[str, list[tuple[str, int]]]:
        """What each of these owns then; names that begin with `learning` are learning workers."""
        self.generation += 1
        self._assignors = {
            name: self._assignors.get(name)
            or CoPartitionedAssignor({SINGLE}, lambda: self.generation)
            for name in names
        }
        joined = {name: one.metadata(topics_of(name)) for name, one in self._assignors.items()}
        assigned = self._assignors[names[0]].assign(CLUSTER, joined)
        for name, assignment in assigned.items():
            self._assignors[name].on_assignment(assignment)
        return {name: flat(assignment) for name, assignment in assigned.items()}


def topics_of(name: str) -> list[str]:
    return [SINGLE] if name.startswith("learning") else sorted(PARTITIONS)


def flat(assignment: Any) -> list[tuple[str, int]]:
    return sorted((topic, n) for topic, numbers in assignment.assignment for n in numbers)


cores = st.sets(st.sampled_from(["core-1", "core-2", "core-3", "core-4"]), min_size=1)
learners = st.sets(st.sampled_from(["learning-1", "learning-2"]))
generations = st.lists(st.tuples(cores, learners), min_size=1, max_size=4)


@given(generations, st.randoms(use_true_random=False))
def test_every_partition_has_one_owner_that_reads_it_and_learning_stands_apart(
    history: list[tuple[set[str], set[str]]], order: Any
) -> None:
    group = Group()
    for core, learning in history:
        names = sorted(core | learning)
        order.shuffle(names)
        owned = group.rebalance(*names)
        assert sorted(tp for tps in owned.values() for tp in tps) == ALL_TPS
        assert all(topic in topics_of(name) for name, tps in owned.items() for topic, _ in tps)
        learner = next(name for name, tps in owned.items() if (SINGLE, 0) in tps)
        assert learner.startswith("learning") == bool(learning)
        numbers = [sum(topic == "installs" for topic, _ in owned[name]) for name in core]
        assert max(numbers) - min(numbers) <= (1 if learning else 2)


@given(cores, learners)
def test_a_group_with_a_learner_keeps_everything_when_nobody_came_or_went(
    core: set[str], learning: set[str]
) -> None:
    group = Group()
    assert group.rebalance(*sorted(core | learning)) == group.rebalance(*sorted(core | learning))


def test_learning_moves_to_a_learner_that_joins_and_back_when_it_is_gone() -> None:
    group = Group()
    group.rebalance("core-1", "core-2")
    apart = group.rebalance("core-1", "core-2", "learning-1")
    assert apart["learning-1"] == [(SINGLE, 0)]
    back = group.rebalance("core-1", "core-2")
    gained = {name: set(back[name]) ^ set(apart[name]) for name in back}
    assert set.union(*gained.values()) == {(SINGLE, 0)}
    assert group.rebalance("core-1", "core-2", "learning-1") == apart


def test_a_second_learner_stands_by_and_the_first_keeps_its_log() -> None:
    group = Group()
    group.rebalance("core-1", "learning-2")
    owned = group.rebalance("core-1", "learning-1", "learning-2")
    assert (owned["learning-1"], owned["learning-2"]) == ([], [(SINGLE, 0)])


def test_a_learner_without_core_workers_takes_no_partition_that_it_does_not_read() -> None:
    assert Group().rebalance("learning-1") == {"learning-1": [(SINGLE, 0)]}


def test_a_worker_of_a_build_that_reads_fewer_topics_is_given_none_of_the_others() -> None:
    partitions = {"installs": {0, 1}, "sites": {0, 1}}
    cluster = SimpleNamespace(partitions_for_topic=partitions.get)
    joined = {
        "newer": CoPartitionedAssignor(()).metadata(partitions),
        "older": CoPartitionedAssignor(()).metadata(["installs"]),
    }
    assigned = CoPartitionedAssignor(()).assign(cluster, joined)
    topics = {name: [topic for topic, _ in flat(one)] for name, one in assigned.items()}
    assert topics == {"newer": ["installs", "sites"], "older": ["installs"]}
