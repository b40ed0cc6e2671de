"""Measuring decisions against known truth, and trying other rules, as a person would."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner
from msgspec import json

from streams.cli import headwater


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
