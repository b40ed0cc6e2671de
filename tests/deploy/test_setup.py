"""A new machine is set up from pinned versions, and make says what it can do."""

from __future__ import annotations

import re
import subprocess
import tomllib

from tests.checkout import ROOT
from tests.conftest import BEGUN_FIRST

PINS = (ROOT / "constraints.txt").read_text().split()
MAKEFILE = (ROOT / "Makefile").read_text()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_pins_are_names_with_versions_and_no_addresses() -> None:
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", pin) for pin in PINS)


def test_whatever_the_project_asks_for_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *(one for extra in extras.values() for one in extra)]
    names = {_normal(re.split(r"[<>=~!\[ ;]", requirement)[0]) for requirement in asked}
    assert names <= {_normal(pin.partition("==")[0]) for pin in PINS}


def test_make_always_installs_the_compiled_kernel() -> None:
    installed = re.findall(r"--editable '\.\[(.*)\]'", MAKEFILE)
    assert len(installed) == 3
    assert all("fast" in extras.split(",") for extras in installed)


def test_make_lists_every_target_with_its_meaning() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE.replace("\\\n", " "), re.MULTILINE)
    listed = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    meanings = dict(re.findall(r"^make (\S+) +(\S.*)$", listed, re.MULTILINE))
    assert meanings.keys() == set(phony.split())
    assert {"demo", "fmt", "lint", "types", "test-fast", "test", "cov", "docs"} <= meanings.keys()
    assert all(len(meaning) < 80 for meaning in meanings.values())


def test_every_check_of_make_runs_before_a_commit_too() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    (lint,) = re.findall(r"^lint: .*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    (types,) = re.findall(r"^types: .*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    checks = re.findall(r"^\t\$\(BIN\)/(\S+(?: format)?)", lint + types, re.MULTILINE)
    assert len(checks) == 6
    assert all(f".venv/bin/{check}" in hooks for check in checks)
    (packages,) = re.findall(r"^PACKAGES := (.*)$", MAKEFILE, re.MULTILINE)
    assert " ".join(f"-p {package}" for package in packages.split()) in hooks


def test_continuous_integration_requires_both_servers_and_runs_what_people_run() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert "export HEADWATER_REQUIRE=kafka,clickhouse" in script
    assert script.rstrip().endswith("make test COVERAGE=--cov")


def test_the_files_that_are_begun_first_exist() -> None:
    assert [file for file in BEGUN_FIRST if not (ROOT / "tests" / file).exists()] == []
