"""An oracle that never disagrees proves nothing: it has to find every core that is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import ROOT
from tests.oracle.comparison import differences, row_differences, truth_of
from tests.oracle.generated.draws import draw
from tests.oracle.generated.play import compiled, plain_order, reported_by, rule_set
from tests.oracle.generated.random_source import Seeded
from tests.oracle.mutants import MUTANTS, Mutant, broken_core
from tests.oracle.rulebook import DEFAULTS, HOUR, Rulebook, Value

HISTORIES = 20_000
"""Enough for each to be found; most are within the first thousand."""


@dataclass(frozen=True)
class Verdict:
    exit_code: int
    output: dict[str, Any]


def proof_with(folder: Path) -> Verdict:
    """The long proof, until it finds something, with whatever core stands in the folder."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.oracle", "--until-found", "--processes", "1",
         "--histories", str(HISTORIES)],
        cwd=folder, env=os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    return Verdict(run.returncode, json.loads(run.stdout)) if run.stdout else Verdict(2, {})


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.fault.replace(" ", "_"))
def test_a_core_that_is_wrong_in_one_place_is_found(mutant: Mutant, tmp_path: Path) -> None:
    broken_core(mutant, tmp_path)
    verdict = proof_with(tmp_path)
    assert verdict.exit_code == 1
    assert verdict.output["mismatches"] > 0


@pytest.mark.parametrize("name", DEFAULTS)
def test_every_value_of_the_rules_matters_by_its_last_millisecond(name: str) -> None:
    """A core that has one value a little wrong decides something else somewhere."""
    for seed in range(HISTORIES):
        book, _ = rule_set(seed % 50)
        random_source = Seeded(seed)
        history = draw(random_source, book)
        rules = compiled(nudged(book, name))
        reported, truth = (
            reported_by(plain_order(history, random_source), rules),
            truth_of(history, book),
        )
        if differences(reported, truth) or row_differences(reported, truth, rules):
            return
    pytest.fail(f"nobody noticed that {name} was wrong")


def nudged(book: Rulebook, name: str) -> Rulebook:
    """The same rules with one value a little wrong wherever it is said."""
    scopes = (scope._replace(values=_other(scope.values, name)) for scope in book.scopes)
    values = {name: DEFAULTS[name]} | book.values
    return Rulebook(_other(values, name), tuple(scopes))


def _other(values: dict[str, Value], name: str) -> dict[str, Value]:
    return values | {name: _nudged(name, values[name])} if name in values else values


def _nudged(name: str, value: Value) -> Value:
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return "off" if value != "off" else "reject"
    if isinstance(value, float):
        return value + 0.009 if value < 0.99 else value - 0.009
    # No window for certain matches may be shorter than that for guesses, which is an hour at most.
    is_least = name in ("windows.click", "windows.view") and value == HOUR
    is_count = not name.startswith("windows.")
    return value + 1 if value == 0 or is_least or is_count else value - 1
