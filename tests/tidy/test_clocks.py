"""Moments of different clocks do not mix: mypy refuses every line that tries."""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api

PREAMBLE = """
from schemas.records import Installed, Touch
from schemas.time import DAY_MS, EventMs, LogMs, Millis, WallMs

def late_by(logged: LogMs, deadline: LogMs) -> Millis:
    return logged - deadline
"""
CHECK = """
def check_{}(touch: Touch, install: Installed, now: LogMs, clock: WallMs, wait: Millis) -> None:
    {}
"""
ALLOWED = (
    "late: bool = touch.ts > now",
    "due: LogMs = touch.ts + wait",
    "due: LogMs = now - 7 * DAY_MS",
    "age: Millis = install.time - touch.time",
    "late_by(touch.ts, now)",
    "late_by(LogMs(touch.time), now)",
    "clock > WallMs(now)",
)
REFUSED = (
    "touch.time > install.ts",
    "touch.time <= now",
    "install.ts - touch.time",
    "install.time == install.ts",
    "now + touch.time",
    "clock >= now",
    "late_by(max(touch.time, touch.ts), now)",
    "late_by(touch.time, now)",
    "late_by(touch.ts, wait)",
    "late_by(1_790_000_000_000, now)",
    "due: LogMs = install.time + wait",
    "due: LogMs = now - touch.ts",
)


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What mypy says against each statement, by statement."""
    statements = (*ALLOWED, *REFUSED)
    file = tmp_path_factory.mktemp("clocks") / "mixed_clocks.py"
    checks = (CHECK.format(number, line) for number, line in enumerate(statements))
    file.write_text(PREAMBLE + "".join(checks))
    root = Path(__file__).parents[2]
    cache = str(file.parent / "cache")
    report, errors, _ = api.run(
        [str(file), "--config-file", str(root / "pyproject.toml"), "--cache-dir", cache]
    )
    assert not errors, errors
    lines = file.read_text().splitlines()
    found: dict[str, str] = {}
    for message in report.splitlines():
        parts = message.split(":", 2)
        if ": error:" in message and parts[0].endswith(file.name):
            found[lines[int(parts[1]) - 1].strip()] = parts[2]
    return found


@pytest.mark.parametrize("line", ALLOWED)
def test_moments_of_one_clock_compare_and_subtract(line: str, refused: dict[str, str]) -> None:
    assert line not in refused, refused[line]


@pytest.mark.parametrize("line", REFUSED)
def test_moments_of_two_clocks_do_not_mix(line: str, refused: dict[str, str]) -> None:
    assert line in refused, f"mypy lets `{line}` pass: see schemas/time.py"
