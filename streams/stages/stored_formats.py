"""The formats of what stages keep and send each other, by topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas import topics
from schemas.records import (
    StoredFormat,
    example_frames,
    journey_frames,
    match_frames,
    site_frames,
)
from streams.stages.common.working_set import DUE_BYTES, RESERVED
from streams.stages.journeys.journeys import INSTALL_STATES
from streams.stages.matching.key_states import KEY_STATES
from streams.stages.sites.day_steps import SITE_STATES

FRAME_FORMATS: Mapping[str, StoredFormat[Any]] = {
    topics.MATCH.name: match_frames,
    topics.JOURNEYS.name: journey_frames,
    topics.SITES.name: site_frames,
    topics.EXAMPLES.name: example_frames,
}
STATE_FORMATS: Mapping[str, StoredFormat[Any]] = {
    topics.MATCHING_CHANGELOG.name: KEY_STATES,
    topics.JOURNEYS_CHANGELOG.name: INSTALL_STATES,
    topics.SITES_CHANGELOG.name: SITE_STATES,
}


def topics_with_versions() -> list[str]:
    """The internal topics whose records say by which version of their format they were written."""
    return [*FRAME_FORMATS, *STATE_FORMATS]


def require_known_version(topic: str, key: bytes | None, value: bytes | None) -> None:
    """Raise NewerFormatError if a newer build wrote this record of an internal topic."""
    if value and topic in FRAME_FORMATS:
        FRAME_FORMATS[topic].require_known(value)
    elif key and value and topic in STATE_FORMATS and key[0] != RESERVED:
        STATE_FORMATS[topic].require_known(value[DUE_BYTES:])
