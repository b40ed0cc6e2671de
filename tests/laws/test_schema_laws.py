"""The published JSON Schemas accept what decoding accepts, and refuse what it refuses, except for
what JSON Schema cannot say."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from schemas import contracts
from schemas.currencies import HISTORIC
from schemas.decode import Defect, Unreadable, decode
from tests.schemas.mutations import NOW, TAGS, VALID, Payload, mutated, topic_of

EARLIEST = 1_262_304_000_000
MUTANTS = 400
"""Per type; all types together are the 5,000 that every run compares."""


def leaves(value: Any) -> list[object]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in leaves(inner)]
    return [value]


def is_beyond_schemas(payload: Payload, unreadable: Unreadable) -> str:
    """Which of the differences explains that decoding refuses what the schema accepts; "": none."""
    reason, detail = unreadable.reason, unreadable.detail
    if reason in (Defect.TIME_TOO_EARLY, Defect.TIME_TOO_LATE):
        return "time of the log"
    if reason is Defect.UNKNOWN_CURRENCY and any(code in detail for code in HISTORIC):
        return "withdrawn currency"
    if reason is Defect.MISSING_ID and ("placeholder" in detail or "neither" in detail):
        return "placeholder spelt in another way"
    if reason is Defect.INVALID_VALUE and "two different currencies" in detail:
        return "two currencies"
    if reason is Defect.INVALID_VALUE and "calendar" in detail:
        return "calendar"
    if re.search(r" is (in [a-z]+seconds|a decimal number|longer than any lookback)", detail):
        return "unit of a time"
    if any(isinstance(leaf, float) and leaf.is_integer() for leaf in leaves(payload)):
        return "1.0"
    return ""


@pytest.mark.parametrize("tag", TAGS)
def test_schema_and_decoding_agree_on_mutated_events(tag: str) -> None:
    chance = random.Random(tag)
    validator = Draft202012Validator(contracts.json_schema(tag))
    seen: Counter[str] = Counter()
    for _ in range(MUTANTS):
        payload = mutated(tag, chance.choice(VALID[tag]), chance)
        event = decode(json.dumps(payload).encode(), topic_of(tag), NOW, EARLIEST)
        is_valid = validator.is_valid(payload)
        if not isinstance(event, Unreadable):
            errors = [error.message[:200] for error in validator.iter_errors(payload)]
            assert is_valid, (payload, errors)
        elif is_valid:
            beyond = is_beyond_schemas(payload, event)
            assert beyond, (event, payload)
            seen[beyond] += 1
        seen["valid" if is_valid else "invalid"] += 1
    assert min(seen["valid"], seen["invalid"]) > MUTANTS // 8
    assert seen["placeholder spelt in another way"] < MUTANTS // 20
