"""The list of mutants is true of the code; `python -m tests.mutants` shows that each is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.mutants.broken_build import broken, copy_checkout, is_found
from tests.mutants.mutants import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.fault.replace(" ", "_"))
def test_every_mutant_changes_one_place_of_a_file_that_a_test_watches(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text()
    compile(broken(mutant, text), mutant.file, "exec")
    assert (ROOT / mutant.test).is_file()


def test_a_mutant_is_found_in_a_copy_and_the_checkout_stays_as_it_is(tmp_path: Path) -> None:
    mutant = next(one for one in MUTANTS if one.fault == "timers are not undone")
    before = (ROOT / mutant.file).read_text()
    copy_checkout(tmp_path)
    assert is_found(mutant, tmp_path)
    assert (ROOT / mutant.file).read_text() == before
