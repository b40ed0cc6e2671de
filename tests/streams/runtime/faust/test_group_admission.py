"""When a learning worker may join the group of core workers, some of them of older builds."""

from __future__ import annotations

import msgspec
import pytest

from streams.runtime.faust.assignor import Claim, CoPartitionedAssignor
from streams.runtime.faust.group_admission import GroupLook
from streams.runtime.faust.internals import ConsumerProtocolMemberMetadata

TOPICS = ["examples", "installs"]
OURS = CoPartitionedAssignor({"examples"}).metadata(TOPICS).encode()


def earlier() -> bytes:
    """What a worker said before there were workers apart: two fields."""
    claim = msgspec.msgpack.encode(msgspec.to_builtins(Claim(7, ("0", "1")))[:2])
    metadata: bytes = ConsumerProtocolMemberMetadata(0, TOPICS, claim).encode()
    return metadata


@pytest.mark.parametrize("state", ["Stable", "Empty", "Dead"])
def test_a_learner_joins_a_group_without_workers_of_earlier_builds(state: str) -> None:
    members = (OURS, OURS) if state == "Stable" else ()
    assert GroupLook(state, members).objection() == ""


def test_it_waits_while_one_is_left_whatever_the_others_run() -> None:
    objection = GroupLook("Stable", (OURS, earlier())).objection()
    assert "earlier build" in objection
    assert "1 left" in objection


@pytest.mark.parametrize("state", ["PreparingRebalance", "CompletingRebalance", ""])
def test_it_waits_while_kafka_does_not_say_who_is_in_the_group(state: str) -> None:
    assert "settle" in GroupLook(state, ()).objection()
