"""Who is a candidate when ids are hidden, and what calibration means."""

from __future__ import annotations

import random
from typing import Any

import pytest
from msgspec import json

from schemas import topics
from streams.lab.evaluation.match.calibration import calibration_error, chance_error
from streams.lab.evaluation.match.known_matches import known_matches
from streams.replay.memory_log import MemoryRecord
from streams.settings import read_settings
from streams.wiring.parts import stage_rules

RULES = stage_rules(read_settings({}))
NOON = 1_790_000_000_000
MINUTE = 60_000
CONSENT = {"data_usage": True}
PERSON: dict[str, Any] = {
    "schema_version": 1,
    "app_id": "app",
    "platform": "android",
    "ip": "20.0.0.1",
    "consent": CONSENT,
}


def click(name: str, minutes: float, **fields: Any) -> MemoryRecord:
    usual = {
        "type": "touchpoint",
        "event_id": f"{name}-e",
        "touch_id": name,
        "touch_type": "click",
        "media_source": "north",
    }
    return _record(topics.TOUCHPOINTS.name, minutes, usual | fields)


def install(minutes: float = 0, **fields: Any) -> MemoryRecord:
    usual = {"type": "install", "event_id": "i-e", "install_id": "i", "gaid": "a" * 36}
    return _record(topics.INSTALLS.name, minutes, usual | fields)


def _record(topic: str, minutes: float, fields: dict[str, Any]) -> MemoryRecord:
    time = NOON + round(minutes * MINUTE)
    value = json.encode({**PERSON, "event_time": time, **fields})
    return MemoryRecord(topic, 0, 0, time, b"key", value)


def candidates(*records: MemoryRecord, answer: str = "t") -> list[str] | None:
    """touch_ids; None when the install is not looked at."""
    found = list(known_matches(records, {("app", "i"): answer}, RULES))
    return [touch.touch_id for touch in found[0].touches] if found else None


def test_whoever_was_seen_in_the_network_is_a_candidate_ids_or_not() -> None:
    records = click("t", -5, gaid="b" * 36), click("u", -4, ip="20.0.0.9"), install()
    assert candidates(*records) == ["t", "u"]


@pytest.mark.parametrize(
    "fields",
    [
        {"ip": "20.0.1.1"},
        {"consent": None},
        {"consent": {"data_usage": False}},
        {"app_id": "other"},
    ],
)
def test_no_candidate_from_elsewhere_or_without_consent(fields: dict[str, Any]) -> None:
    assert candidates(click("t", -5, **fields), install()) == []


def test_no_candidate_that_is_younger_than_the_install() -> None:
    assert candidates(click("t", 1), install()) == []


def test_the_window_for_matches_without_ids_ends_after_six_hours() -> None:
    edge = 6 * 60
    assert candidates(click("t", -edge), install()) == ["t"]
    assert candidates(click("t", -edge - 1), install()) == []


def test_a_repeat_is_no_second_candidate() -> None:
    assert candidates(click("t", -5), click("t", -5), install()) == ["t"]


def test_that_nothing_led_to_an_install_is_believed_only_with_a_device_id() -> None:
    assert candidates(click("t", -5), install(), answer="") == ["t"]
    assert candidates(click("t", -5), install(gaid=None), answer="") is None
    assert candidates(click("t", -5), install(gaid=None), answer="t") == ["t"]


def test_an_install_without_consent_is_not_looked_at() -> None:
    assert candidates(click("t", -5), install(consent=None)) is None


def test_probabilities_that_come_true_have_no_error_but_chance() -> None:
    rng = random.Random(1)
    guesses = [(one, rng.random() < one) for one in (rng.random() for _ in range(30_000))]
    assert calibration_error(guesses) < 0.015
    assert calibration_error(guesses) == pytest.approx(chance_error(guesses, 2), abs=0.005)


def test_overconfidence_is_an_error_of_its_size() -> None:
    rng = random.Random(1)
    guesses = [(0.9, rng.random() < 0.6) for _ in range(10_000)]
    assert calibration_error(guesses) == pytest.approx(0.3, abs=0.02)
