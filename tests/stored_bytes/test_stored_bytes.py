"""What released builds stored is read by this one, field by field."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import get_args

import msgspec
import pytest

from attribution.rules.rules import Rules
from online_models.hazard.rules import HazardRules
from online_models.learning.rules import LearnerRules
from online_models.learning.value_learner import ValueLearnerRules
from online_models.targets.targets import VALUE
from online_models.value.rules import ValueRules
from schemas import topics
from schemas.records import (
    LATER_KINDS,
    ChoiceMade,
    InstallSeen,
    JourneyFrame,
    MatchFrame,
    MatchRecord,
    Signal,
    TouchSeen,
    frame_encoder,
    match_frames,
    stored_version,
)
from schemas.time import LogMs
from streams.runtime.snapshots import SnapshotShelf
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Stage
from streams.stages.journeys.active_models import Scorers, ScoringRules
from streams.stages.journeys.journeys import Journeys
from streams.stages.learning.learning import Learning
from streams.stages.learning.rules import LearningRules
from streams.stages.learning.targets import AnyRules
from streams.stages.matching.matching import Matching
from streams.stages.sites.sites import Sites
from tests.stored_bytes.corpus import Recorded, agrees, plain, read_corpus
from tests.stored_bytes.filled import filled
from tests.stored_bytes.formats import decode, is_whole, layouts, types
from tests.stored_bytes.shapes import (
    Shape,
    recorded_shapes,
    shapes,
    unreadable_changes,
)

CORPUS = read_corpus()
VALUES = [(name, one) for name, entries in CORPUS.items() for one in entries if one.content]
RECORD = "run `python -m tests.stored_bytes` and commit what it writes"


def _named(values: Iterable[tuple[str, Recorded]]) -> dict[str, list[Recorded]]:
    found: dict[str, list[Recorded]] = defaultdict(list)
    for _, entry in values:
        found[entry.format].append(entry)
    return found


@pytest.mark.parametrize(("name", "entries"), sorted(_named(VALUES).items()))
def test_recorded_bytes_are_read_as_they_were_written(name: str, entries: list[Recorded]) -> None:
    for entry in entries:
        today = plain(decode(name, entry.key, entry.value))
        assert agrees(entry.content, today), f"{name}, {entry.origin}: {entry.content}\n{today}"
        assert name not in layouts() or is_whole(entry.value)


def test_every_type_that_is_stored_was_recorded_with_all_its_fields() -> None:
    recorded = recorded_shapes()
    today = shapes()
    missing = sorted(name for name in today if name not in recorded)
    grown = sorted(name for name in recorded if name in today and recorded[name] != today[name])

    assert not missing, f"{', '.join(missing)}: stored, but no bytes of it are recorded; {RECORD}"
    wrong = unreadable_changes(recorded, today)
    advice = (
        "give the format a new version, and keep a decoder of the old one"
        " (schemas/records/stored_format.py)"
    )
    assert not wrong, "\n".join([*wrong, advice])
    assert not grown, f"{', '.join(grown)}: grown since its bytes were recorded; {RECORD}"


def test_every_format_has_recorded_bytes() -> None:
    named = _named(VALUES)

    assert not {name for name, _ in types()} - named.keys() - {"envelope"}


@pytest.mark.parametrize("seed", ["seed 3", "seed 5"])
def test_every_stage_starts_from_a_recorded_state(seed: str) -> None:
    """All that a changelog came to, through the code that reads it after a restart."""
    states: dict[str, dict[bytes, bytes]] = defaultdict(dict)
    for entry in CORPUS["1-states"]:
        if entry.origin == seed:
            states[entry.format][entry.key] = entry.value
    shelf = SnapshotShelf()
    for key, value in states[f"{topics.MODEL_SNAPSHOTS.name} 0"].items():
        shelf.add(key, value)
    partitions = sum(name.startswith(topics.MATCHING_CHANGELOG.name) for name in states)

    for stage in _stages(shelf, partitions):
        entries = states[f"{topics.changelog_of(stage.name)} 0"]
        assert entries
        stage.restore(entries.items())


def _stages(shelf: SnapshotShelf, partitions: int) -> list[Stage]:
    """Models are as small as those of the worlds: their shape is part of what is recorded."""
    slots, rules, observer = 2**8, Rules(), StageObserver()
    targets: dict[str, AnyRules] = {
        "payer": LearnerRules(hazard=HazardRules(slots=slots)),
        VALUE: ValueLearnerRules(value=ValueRules(slots)),
    }
    scorers = Scorers(shelf.find, observer, ScoringRules(slots=slots))
    return [
        Matching(0, partitions, rules, observer),
        Journeys(0, partitions, rules, scorers, observer),
        Sites(0, partitions, rules, observer),
        Learning(partitions, LearningRules(targets), observer),
    ]


TOUCH: Shape = {
    "kind": "array",
    "fields": [["key", "str", "required"], ["time", "int as EventMs", "required"]],
}


def _changed(fields: list[list[str]], **others: object) -> list[str]:
    return unreadable_changes({"Touch": TOUCH}, {"Touch": TOUCH | {"fields": fields} | others})


def test_a_field_may_only_be_added_at_the_end_with_a_default() -> None:
    key, time = TOUCH["fields"]

    assert _changed([key, time, ["site", "str", "''"]]) == []
    assert _changed([key, time, ["site", "str", "required"]])
    assert _changed([key, ["site", "str", "''"], time])
    assert _changed([time, key])
    assert _changed([key])
    assert _changed([key, ["time", "float", "required"]])
    assert _changed([key, time], tag=2)


def test_a_member_keeps_its_value() -> None:
    before: dict[str, Shape] = {"Step": {"members": {"PURCHASE": 0, "REFUND": 1}}}

    assert unreadable_changes(before, {"Step": {"members": {"PURCHASE": 1, "REFUND": 0}}})
    assert unreadable_changes(before, {"Step": {"members": {"PURCHASE": 0}}})


def test_a_kind_that_earlier_builds_cannot_read_comes_in_frames_of_a_later_version() -> None:
    before: dict[str, Shape] = {
        "Step": {"members": {"PURCHASE": 0}},
        "Frame": {"kind": "array", "fields": [["records", "list[A | B]", "list()"]]},
    }

    def with_kinds(kinds: str, member: str) -> dict[str, Shape]:
        return {
            "Step": {"members": {"PURCHASE": 0, member: 1}},
            "Frame": {"kind": "array", "fields": [["records", kinds, "list()"]]},
        }

    assert unreadable_changes(before, with_kinds("list[A | B]", "UNHEARD_OF"))
    assert unreadable_changes(before, with_kinds("list[A | B | UnheardOf]", "WITHHELD"))
    assert not unreadable_changes(before, with_kinds("list[A | B | ChoiceSeen]", "WITHHELD"))


def test_a_frame_names_the_first_version_that_can_hold_what_is_in_it() -> None:
    """An earlier build reads all but the new kinds, and refuses those with one line."""
    asks = msgspec.structs.replace(filled(InstallSeen), signal=Signal.DEVICE_ID)
    forbids = msgspec.structs.replace(asks, signal=Signal.WITHHELD)

    for kind in set(get_args(MatchRecord)) - {InstallSeen}:
        frame = frame_encoder.encode(MatchFrame({}, [filled(TouchSeen), filled(kind)]))
        assert stored_version(frame) == (2 if kind in LATER_KINDS else 1), kind
        assert match_frames.decode(frame).records[1] == filled(kind)
    assert stored_version(frame_encoder.encode(MatchFrame({}, [asks]))) == 1
    assert stored_version(frame_encoder.encode(MatchFrame({}, [asks, forbids]))) == 2
    assert stored_version(frame_encoder.encode(JourneyFrame({}, [filled(ChoiceMade)]))) == 2
    assert stored_version(frame_encoder.encode(JourneyFrame({"a": LogMs(1)}, []))) == 1


def test_no_two_fields_of_a_filled_value_are_alike() -> None:
    """Or a field could be read in another's place, and the corpus would not notice."""
    value = filled(TouchSeen)
    numbers = [one for one in msgspec.structs.astuple(value.touch) if type(one) is int]

    assert len(set(numbers)) == len(numbers) > 5
    assert plain(msgspec.msgpack.decode(msgspec.msgpack.encode(value), type=TouchSeen)) == plain(
        value
    )
