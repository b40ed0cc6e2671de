"""Measuring decisions against known truth, and trying other rules, as a person would."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from msgspec import json
from msgspec.structs import replace

from streams.cli import headwater
from streams.composition import stage_rules
from streams.errors import Stop
from streams.settings import read_settings
from streams.simulator import Scenario, write_traffic
from streams.what_if import what_if


def answer(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(headwater, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.decode(result.output)
    return found


@pytest.fixture(scope="module")
def match() -> dict[str, Any]:
    return answer("evaluate", "match", "--size", "12000", "--seed", "5")


def test_clean_traffic_is_credited_to_who_really_led_to_the_install(match: dict[str, Any]) -> None:
    assert match["installs"] > 300
    assert match["accuracy"] >= 0.999
    assert match["accuracy_late"] >= 0.999


def test_lateness_changes_no_final_decision(match: dict[str, Any]) -> None:
    assert match["corrections"] > 0, "something came late enough to be corrected"
    assert match["evictions"] == 0
    assert match["decisions_changed_by_lateness"] == 0


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("traffic") / "traffic.jsonl"
    with path.open("wb") as file:
        write_traffic(Scenario.standard(8_000, seed=11), file)
    return path


def silent(step: str, done: int, total: int) -> None:
    return None


def test_the_same_rules_change_nothing(traffic: Path) -> None:
    rules = stage_rules(read_settings({}))
    found = what_if([traffic], "", (rules, rules), silent).as_json()
    assert found["events"] == 8_000
    assert found["conversions"]["in_force"] == found["conversions"]["other"]
    assert found["installs_changed"] == 0
    assert found["moves"] == found["reasons"] == []


def test_refusing_what_is_late_moves_installs_and_their_money(traffic: Path) -> None:
    rules = stage_rules(read_settings({}))
    strict = replace(rules.attribution, late_ms_max=0)
    other = dataclasses.replace(rules, attribution=strict)
    found = what_if([traffic], "", (rules, other), silent).as_json()
    assert found["installs_changed"] == sum(move["installs"] for move in found["moves"]) > 0
    assert sum(one["installs"] for one in found["reasons"]) == found["installs_changed"]
    for name in ("in_force", "other"):
        credited = sum(one[name]["installs"] for one in found["channels"])
        assert credited == sum(found["conversions"][name].values())


def test_a_line_that_cannot_be_read_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text("not json\n")
    rules = stage_rules(read_settings({}))
    with pytest.raises(Stop, match=r"broken\.jsonl:1"):
        what_if([path], "", (rules, rules), silent)
