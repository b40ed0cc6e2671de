"""Asks a broker how many bytes its logs take; aiokafka has no method for that."""

from __future__ import annotations

from collections import Counter

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Int64, Schema, String

from schemas.topics import ALL, Topic
from streams.errors import Stop
from streams.runtime.faust.internals import send_request
from streams.settings.core import CoreSettings

CHANGELOG = "changelog"
LOG_DIRS_KEY, LOG_DIRS_VERSION = 35, 1


class LogDirsResponse(Response):
    API_KEY = LOG_DIRS_KEY
    API_VERSION = LOG_DIRS_VERSION
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            Array(
                ("error_code", Int16),
                ("log_dir", String("utf-8")),
                (
                    "topics",
                    Array(
                        ("name", String("utf-8")),
                        (
                            "partitions",
                            Array(
                                ("partition", Int32),
                                ("size", Int64),
                                ("offset_lag", Int64),
                                ("is_future", Boolean),
                            ),
                        ),
                    ),
                ),
            ),
        ),
    )


class LogDirsRequestV1(RequestStruct):
    API_KEY = LOG_DIRS_KEY
    API_VERSION = LOG_DIRS_VERSION
    RESPONSE_TYPE = LogDirsResponse
    SCHEMA = Schema(("topics", Array(("topic", String("utf-8")), ("partitions", Array(Int32)))))


class LogDirsRequest(Request[LogDirsRequestV1]):
    """Asks for some partitions of each topic."""

    API_KEY = LOG_DIRS_KEY

    def __init__(self, topics: list[str], partitions: int) -> None:
        self._wanted = [(name, list(range(partitions))) for name in topics]

    def build(self, request_struct_class: type[LogDirsRequestV1]) -> LogDirsRequestV1:
        return request_struct_class(self._wanted)


async def log_bytes(core: CoreSettings, partitions: int) -> dict[str, int]:
    """Bytes on the broker's disk by kind of topic. Stop: the broker does not say."""
    kinds = {core.topic(topic.name): _kind(topic) for topic in ALL}
    client = AIOKafkaAdminClient(**core.client())
    await client.start()
    try:
        answer = await send_request(client, LogDirsRequest(sorted(kinds), partitions))
    finally:
        await client.close()
    found: Counter[str] = Counter(dict.fromkeys(kinds.values(), 0))
    for error_code, _, topics in answer.results:
        if error_code:
            raise Stop(f"the broker does not say how large its logs are: error {error_code}")
        for name, sizes in topics:
            found[kinds[name]] += sum(size for _, size, _, _ in sizes)
    return dict(found)


def _kind(topic: Topic) -> str:
    return CHANGELOG if topic.name.endswith(CHANGELOG) else topic.kind.value
