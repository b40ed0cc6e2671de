"""The request for the committed offsets of a group, and what its answer says.

aiokafka 0.14 speaks OffsetFetch up to version 3, and overlooks the error that brokers give for the
whole group from version 2 on: while a coordinator moves, a group seems to have committed nothing.
Version 7 (KIP-447, Kafka 2.5) can also wait for offsets in transactions that are still open or in
doubt. It is declared here, on aiokafka's own types; brokers that do not speak it cannot wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import aiokafka
from aiokafka.errors import BrokerResponseError, NoError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.commit import (
    OffsetFetchRequest_v1,
    OffsetFetchRequest_v2,
    OffsetFetchRequest_v3,
)
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)
from aiokafka.structs import OffsetAndMetadata

POSITIONS_KEY, POSITIONS_VERSION = 9, 7
UNSETTLED = 88  # UNSTABLE_OFFSET_COMMIT, which aiokafka does not know


class UnsettledPositionError(BrokerResponseError):
    """An offset is part of a transaction that has not ended."""

    errno = UNSETTLED
    message = "UNSTABLE_OFFSET_COMMIT"
    retriable = True


class PositionResponse(Response):
    API_KEY = POSITIONS_KEY
    API_VERSION = POSITIONS_VERSION
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "topics",
            CompactArray(
                ("topic", CompactString("utf-8")),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("offset", Int64),
                        ("leader_epoch", Int32),
                        ("metadata", CompactString("utf-8")),
                        ("error_code", Int16),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("error_code", Int16),
        ("tags", TaggedFields),
    )


class PositionRequestV7(RequestStruct):
    FLEXIBLE_VERSION = True
    API_KEY = POSITIONS_KEY
    API_VERSION = POSITIONS_VERSION
    RESPONSE_TYPE = PositionResponse
    SCHEMA = Schema(
        ("consumer_group", CompactString("utf-8")),
        (
            "topics",
            CompactArray(
                ("topic", CompactString("utf-8")),
                ("partitions", CompactArray(Int32)),
                ("tags", TaggedFields),
            ),
        ),
        ("must_be_settled", Boolean),
        ("tags", TaggedFields),
    )


class PositionRequest(
    Request[
        OffsetFetchRequest_v1 | OffsetFetchRequest_v2 | OffsetFetchRequest_v3 | PositionRequestV7
    ]
):
    """Asks the coordinator of a group for the committed offsets of these partitions."""

    API_KEY = POSITIONS_KEY

    def __init__(
        self, group: str, tps: Iterable[aiokafka.TopicPartition], *, must_be_settled: bool = False
    ) -> None:
        self._group = group
        self._topics: dict[str, list[int]] = {}
        for topic, partition in tps:
            self._topics.setdefault(topic, []).append(partition)
        self._must_be_settled = must_be_settled

    def build(self, request_struct_class: type[RequestStruct]) -> RequestStruct:
        if request_struct_class is PositionRequestV7:
            none = dict[int, bytes]()
            topics = [(topic, ps, none) for topic, ps in self._topics.items()]
            return PositionRequestV7(self._group, topics, self._must_be_settled, none)
        return request_struct_class(self._group, list(self._topics.items()))


def positions_in(answer: Mapping[str, Any]) -> dict[aiokafka.TopicPartition, OffsetAndMetadata]:
    """What is committed; partitions without an offset are left out. Raises what the broker said."""
    _require(answer.get("error_code", 0), "offsets of the group")
    found = {}
    for topic in answer["topics"]:
        for at in topic["partitions"]:
            tp = aiokafka.TopicPartition(topic["topic"], at["partition"])
            _require(at["error_code"], f"offset of {tp.topic}-{tp.partition}")
            if at["offset"] >= 0:
                found[tp] = OffsetAndMetadata(at["offset"], at["metadata"] or "")
    return found


def _require(code: int, what: str) -> None:
    if code == UNSETTLED:
        raise UnsettledPositionError(what)
    if (error := for_code(code)) is not NoError:
        raise error(what)
