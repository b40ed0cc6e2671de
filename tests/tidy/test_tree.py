"""The tree obeys every rule, save what is allowed by name; the lists of that only shrink."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tidy.allowances import FOLDER, allowed
from tests.tidy.rules import RULES
from tests.tidy.source_tree import Tree

ROOT = Path(__file__).parents[2]
SHARED_NAMES_MAX = 15


@pytest.fixture(scope="module")
def tree() -> Tree:
    return Tree(ROOT)


@pytest.mark.parametrize("rule", RULES)
def test_nothing_breaks_a_rule_that_is_not_allowed_to(tree: Tree, rule: str) -> None:
    known = allowed(rule)
    broken = {who: what for who, what in RULES[rule](tree).items() if who not in known}
    listed = "\n".join(f"  {who} {what}" for who, what in sorted(broken.items()))
    assert not broken, f"{rule}:\n{listed}"


@pytest.mark.parametrize("rule", RULES)
def test_no_allowance_outlives_its_offence(tree: Tree, rule: str) -> None:
    stale = sorted(allowed(rule).keys() - RULES[rule](tree).keys())
    listed = "\n".join(f"  {who}" for who in stale)
    assert not stale, (
        f"tests/tidy/allowed/{rule}.txt: mended or moved, so drop these lines "
        f"(python -m tests.tidy --shrink does):\n{listed}"
    )


def test_every_list_of_allowances_belongs_to_a_rule() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.txt") if path.stem not in RULES) == []


def test_few_names_are_shared_for_good() -> None:
    kept = [name for name, reason in allowed("shared_names").items() if reason]
    assert len(kept) <= SHARED_NAMES_MAX, f"too many names shared for good: {kept}"
