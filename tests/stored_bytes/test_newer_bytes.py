"""Bytes of a build that is newer than this one end a worker in one line, and are never misread."""

from __future__ import annotations

import pytest

from attribution.rules.rules import Rules
from online_models.persistence.envelope import Unusable, seal, unseal
from schemas.records import MARK, NewerFormatError
from streams.errors import Stop, in_one_line
from streams.replay.memory_log import MemoryRecord
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Stage
from streams.stages.journeys.active_models import Scorers, ScoringRules
from streams.stages.journeys.journeys import Journeys
from streams.stages.learning.head import unusable
from streams.stages.learning.learning import Learning
from streams.stages.learning.parts import StoredParts
from streams.stages.learning.rules import LearningRules
from streams.stages.matching.matching import Matching
from streams.stages.sites.sites import Sites
from streams.stages.stored_formats import (
    FRAME_FORMATS,
    STATE_FORMATS,
    require_known_version,
)
from tests.stored_bytes.formats import STORED_FORMATS

NEWER = bytes((MARK, 200)) + b"whatever"
TOPIC = {"matching": "match", "journeys": "journeys", "sites": "sites", "learning": "examples"}


def _stages() -> list[Stage]:
    observer = StageObserver()
    scorers = Scorers(lambda version: None, observer, ScoringRules())
    return [
        Matching(0, 1, Rules(), observer),
        Journeys(0, 1, Rules(), scorers, observer),
        Sites(0, 1, Rules(), observer),
        Learning(1, LearningRules(), observer),
    ]


@pytest.mark.parametrize("name", sorted(STORED_FORMATS))
def test_every_format_refuses_a_newer_version(name: str) -> None:
    reads = STORED_FORMATS[name].version
    with pytest.raises(
        NewerFormatError, match=f"of version 200, and this build reads up to {reads}"
    ):
        STORED_FORMATS[name].decode(NEWER)


@pytest.mark.parametrize("stage", _stages(), ids=lambda stage: stage.name)
def test_a_stage_does_not_decide_on_a_newer_frame(stage: Stage) -> None:
    record = MemoryRecord(TOPIC[stage.name], 0, 7, 1000, None, NEWER)

    with pytest.raises(NewerFormatError, match="update this one") as refusal:
        stage.decide([record], MemoryStore())
    assert in_one_line(refusal.value) == str(refusal.value)


@pytest.mark.parametrize("stage", _stages()[:3], ids=lambda stage: stage.name)
def test_a_stage_does_not_start_from_the_state_of_a_newer_build(stage: Stage) -> None:
    key = b"j:app:install" if stage.name == "journeys" else b"key"

    with pytest.raises(NewerFormatError):
        stage.restore([(key, bytes(8) + NEWER)])
    with pytest.raises(NewerFormatError):
        stage.restore([(b"\x00watermarks", NEWER)])


def test_learning_does_not_start_from_the_head_of_a_newer_build() -> None:
    entries = StoredParts().store({"stage": NEWER})

    with pytest.raises(NewerFormatError):
        Learning(1, LearningRules(), StageObserver()).restore(
            (key, value or b"") for key, value in entries.items()
        )


def test_a_newer_learner_asks_for_an_update_and_not_for_an_empty_changelog() -> None:
    found = unseal("learner/2", seal("learner/3", b"body").content)

    assert isinstance(found, Unusable)
    assert found.is_newer
    stop = unusable(found)
    assert isinstance(stop, Stop)
    assert "update this one" in str(stop)
    assert "empty the learning changelog" not in str(stop)


@pytest.mark.parametrize("schema", ["learner/1", "value/learner/3", "learner/x", "learner"])
def test_another_layout_is_not_called_newer(schema: str) -> None:
    found = unseal("learner/2", seal(schema, b"body").content)

    assert isinstance(found, Unusable)
    assert not found.is_newer


def test_the_latest_records_of_a_topic_tell_whether_a_newer_build_wrote_them() -> None:
    """As `headwater doctor` asks, without decoding them."""
    for topic in FRAME_FORMATS:
        require_known_version(topic, None, b"\x92\x80\x90")
        with pytest.raises(NewerFormatError):
            require_known_version(topic, None, NEWER)
    for topic in STATE_FORMATS:
        require_known_version(topic, b"key", bytes(8) + b"\x92")
        require_known_version(topic, b"key", None)
        require_known_version(topic, b"\x00rules", b"rules")
        with pytest.raises(NewerFormatError):
            require_known_version(topic, b"key", bytes(8) + NEWER)
    require_known_version("revenue", b"key", NEWER)
