"""The request that asks a broker which log stands behind the name of a topic.

A topic that is deleted and created anew keeps its name and gets another id (KIP-516, Kafka 2.8).
aiokafka 0.14 speaks Metadata up to version 5, which knows names alone, so version 11 is declared
here, on aiokafka's own types. Brokers that do not speak it, the embedded one among them, leave the
ids unknown.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from io import BytesIO

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    AbstractType,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

METADATA_KEY, METADATA_VERSION = 3, 11
NO_ID = bytes(16)


class Uuid(AbstractType[bytes]):
    """16 bytes; 16 zeros stand for no id."""

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read(16)


class TopicMetadataResponse(Response):
    API_KEY = METADATA_KEY
    API_VERSION = METADATA_VERSION
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", CompactString("utf-8")),
                ("topic_id", Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class TopicMetadataRequestV11(RequestStruct):
    FLEXIBLE_VERSION = True
    API_KEY = METADATA_KEY
    API_VERSION = METADATA_VERSION
    RESPONSE_TYPE = TopicMetadataResponse
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(
                ("topic_id", Uuid), ("topic", CompactString("utf-8")), ("tags", TaggedFields)
            ),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class TopicMetadataRequest(Request[TopicMetadataRequestV11]):
    """Asks for topics by name; unlike aiokafka's own request, it never creates them."""

    API_KEY = METADATA_KEY

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def build(self, request_struct_class: type[TopicMetadataRequestV11]) -> TopicMetadataRequestV11:
        wanted = [(NO_ID, name, dict[int, bytes]()) for name in self._names]
        return request_struct_class(wanted, False, False, {})


def id_text(topic_id: bytes) -> str:
    """A topic id as Kafka's own tools print it: 22 characters; empty for none."""
    if topic_id == NO_ID:
        return ""
    return base64.urlsafe_b64encode(topic_id).rstrip(b"=").decode()
