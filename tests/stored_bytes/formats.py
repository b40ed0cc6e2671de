"""Every stored format: where its bytes are found, and the types they are decoded to."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import msgspec

from online_models.persistence.envelope import Envelope, unseal
from online_models.persistence.layout import Layout
from schemas import topics
from schemas.outcomes import OUTCOME_OF_TOPIC
from schemas.records import (
    ExampleFrame,
    ExampleRecord,
    JourneyFrame,
    JourneyRecord,
    MatchFrame,
    MatchRecord,
    SiteFrame,
    SiteRecord,
    StoredFormat,
)
from streams.runtime.faust.assignor import Claim
from streams.stages.common.watermarks import WATERMARKS
from streams.stages.common.working_set import DUE_BYTES, RESERVED
from streams.stages.journeys.active_models import ACTIVE_VERSIONS
from streams.stages.journeys.states.install_state import InstallState
from streams.stages.learning.head import HEADS, Head
from streams.stages.matching.key_states import KeyState
from streams.stages.sites.day_steps import SiteState
from streams.stages.stored_formats import FRAME_FORMATS, STATE_FORMATS

CLAIM = "claim of a member of the group"
HEAD = "head of learning"
ENVELOPE = "envelope"
RULES_KEY = b"\x00rules"
FRAMES: Mapping[str, tuple[Any, Any]] = {
    topics.MATCH.name: (MatchFrame, MatchRecord),
    topics.JOURNEYS.name: (JourneyFrame, JourneyRecord),
    topics.SITES.name: (SiteFrame, SiteRecord),
    topics.EXAMPLES.name: (ExampleFrame, ExampleRecord),
}
STATES: Mapping[str, Any] = {
    topics.MATCHING_CHANGELOG.name: KeyState,
    topics.JOURNEYS_CHANGELOG.name: InstallState,
    topics.SITES_CHANGELOG.name: SiteState,
}
STORED_FORMATS: Mapping[str, StoredFormat[Any]] = {
    **FRAME_FORMATS,
    **STATE_FORMATS,
    "watermarks": WATERMARKS,
    "model": ACTIVE_VERSIONS,
    HEAD: HEADS,
}
"""Formats whose versions are marked, by the name of their topic or of their key."""
OUTCOMES: Mapping[str, Any] = OUTCOME_OF_TOPIC

_ROOMS_WITH_LAYOUTS = (
    "quality.monitor",
    "value.persistence",
    "hazard.persistence",
    "credit.persistence",
    "credit.learner_parts",
    "pairs.match_model",
    "pairs.match_parts",
    "drift.watch",
    "scoring.shrunk_rates",
    "learning.learner_parts",
)


def layouts() -> dict[str, Layout[Any]]:
    """Every layout of models and learners, by its schema."""
    rooms = (importlib.import_module(f"online_models.{room}") for room in _ROOMS_WITH_LAYOUTS)
    found = (value for room in rooms for value in vars(room).values())
    return {layout.schema: layout for layout in found if isinstance(layout, Layout)}


def types() -> Iterator[tuple[str, Any]]:
    """The name of every format, and a type that it may hold."""
    for topic, (frame, records) in FRAMES.items():
        yield topic, frame
        yield from ((topic, record) for record in _members(records))
    for topic, states in STATES.items():
        yield from ((topic, state) for state in _members(states))
    yield from OUTCOMES.items()
    yield CLAIM, Claim
    yield HEAD, Head
    yield ENVELOPE, Envelope
    yield from ((schema, layout.body) for schema, layout in layouts().items())


def _members(union: Any) -> tuple[Any, ...]:
    return get_args(union) or (union,)


def decode(name: str, key: bytes, value: bytes) -> Any:
    """What a stored value holds. Raises whatever today's decoders raise."""
    if name in STATES and key == RULES_KEY:
        return value.decode()
    if name in STATES and key[:1] == bytes([RESERVED]):
        return STORED_FORMATS[key[1:].decode()].decode(value)
    if name in STATES:
        due = int.from_bytes(value[:DUE_BYTES])
        return due, STORED_FORMATS[name].decode(value[DUE_BYTES:])
    if name in STORED_FORMATS:
        return STORED_FORMATS[name].decode(value)
    if name in OUTCOMES:
        return msgspec.json.decode(value, type=OUTCOMES[name])
    if name in layouts():
        return _opened(layouts()[name], value)
    return msgspec.msgpack.decode(value, type=dict(types())[name])


def _opened(layout: Layout[Any], content: bytes) -> Any:
    opened = layout.load(content)
    if not isinstance(opened[0], layout.body):
        raise msgspec.ValidationError(f"{layout.schema}: {opened[0]}")
    return opened[0]


def schema_of(content: bytes) -> str:
    """The schema of an envelope, which names its format."""
    return msgspec.msgpack.decode(content, type=Envelope).schema


def is_whole(content: bytes) -> bool:
    """Whether this is an envelope of today's features, with a right checksum."""
    return isinstance(unseal(schema_of(content), content), Envelope)
