"""What events were read without reaches a table, in a sample that a replay repeats."""

from __future__ import annotations

import json
from typing import Any

from schemas.decode import decode
from schemas.events import TYPES
from schemas.time import LogMs
from streams.replay.memory_log import MemoryRecord
from streams.stages.intake.dropped_fields import (
    FIELDS_PER_EVENT_MAX,
    NAME_CHARS_MAX,
    dropped_field_rows,
    sample_weight,
)
from tests.worlds.clock import NOON
from tests.worlds.stage_world import event

LOGGED = LogMs(NOON + 5)


def found(unreadable: tuple[str, ...] = (), **fields: Any) -> dict[str, str]:
    raw = json.dumps(event("install", install_id="i1", **fields)).encode()
    record = MemoryRecord("installs", 0, 7, LOGGED, None, raw)
    read = decode(raw, "installs", LOGGED, 0)
    assert isinstance(read, TYPES["install", 1])
    return {
        row.field: row.problem for row in dropped_field_rows(read, record, (1, 0, 7), 1, unreadable)
    }


def test_a_name_that_the_contract_does_not_have_is_told() -> None:
    assert found(campain_id="c1", install_refferer="x") == {
        "campain_id": "unknown", "install_refferer": "unknown",
    }  # fmt: skip
    assert found(store="google_play") == {}


def test_an_attribute_that_cannot_be_read_is_told() -> None:
    assert found(("gaid", "platform"), gaid="null") == {
        "gaid": "unreadable", "platform": "unreadable",
    }  # fmt: skip


def test_names_that_are_made_up_fill_no_table() -> None:
    names: dict[str, Any] = {f"{number:03}" + "x" * 100: 1 for number in range(100)}
    rows = found(**names)
    assert len(rows) == FIELDS_PER_EVENT_MAX
    assert {len(name) for name in rows} == {NAME_CHARS_MAX}


def test_every_message_in_the_beginning_and_then_one_in_64_stand_for_all() -> None:
    assert all(sample_weight(offset) == 1 for offset in range(1_000))
    later = range(1_024, 1_024 + 64_000)
    assert sum(sample_weight(offset) for offset in later) == len(later)
    assert sum(sample_weight(offset) > 0 for offset in later) == 1_000
