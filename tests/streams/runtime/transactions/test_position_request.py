"""What a coordinator says about committed offsets, also when it says that it does not know."""

from __future__ import annotations

from typing import Any

import aiokafka
import pytest
from aiokafka.errors import (
    BrokerResponseError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)
from aiokafka.protocol.api import RequestStruct
from aiokafka.protocol.commit import OffsetFetchRequest_v3

from streams.runtime.identity.position_request import (
    UNSETTLED,
    PositionRequest,
    PositionRequestV7,
    UnsettledPositionError,
    positions_in,
)

TP = aiokafka.TopicPartition("match", 3)


def answer(offset: int = 7, code: int = 0, group_code: int = 0) -> dict[str, Any]:
    at = {"partition": 3, "offset": offset, "metadata": "label", "error_code": code}
    return {"topics": [{"topic": "match", "partitions": [at]}], "error_code": group_code}


def test_an_offset_comes_with_its_label_and_none_is_left_out() -> None:
    assert positions_in(answer()) == {TP: (7, "label")}
    assert positions_in(answer(offset=-1)) == {}


@pytest.mark.parametrize("error", [GroupLoadInProgressError, NotCoordinatorForGroupError])
def test_a_coordinator_that_moves_is_not_a_group_without_offsets(
    error: type[BrokerResponseError],
) -> None:
    """Brokers say so for the whole group, and name no partition then."""
    moving = {"topics": [], "error_code": error.errno}
    with pytest.raises(error, match="offsets of the group"):
        positions_in(moving)
    with pytest.raises(error, match="match-3"):
        positions_in(answer(code=error.errno))


def test_an_offset_that_a_transaction_may_still_change_can_be_asked_for_again() -> None:
    with pytest.raises(UnsettledPositionError) as raised:
        positions_in(answer(code=UNSETTLED))
    assert raised.value.retriable


@pytest.mark.parametrize(
    ("versions", "struct"), [((0, 3), OffsetFetchRequest_v3), ((1, 9), PositionRequestV7)]
)
def test_old_brokers_are_asked_without_waiting(
    versions: tuple[int, int], struct: type[RequestStruct]
) -> None:
    asked = PositionRequest("core", [TP], must_be_settled=True).prepare({9: versions})
    assert isinstance(asked, struct)
    sent = asked.to_object()
    assert [(one["topic"], one["partitions"]) for one in sent["topics"]] == [("match", [3])]
    assert sent.get("must_be_settled", True)
