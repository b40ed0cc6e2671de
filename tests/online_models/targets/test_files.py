"""Files of targets: what can be declared, and what is refused with which words."""

from __future__ import annotations

import pytest

from online_models.scoring.landmarks import LANDMARKS
from online_models.targets.files import TargetFault, read_targets
from online_models.targets.targets import DEFAULT_TARGETS, PAYING, Action, Targets
from schemas.time import DAY_MS
from tests.checkout import ROOT
from tests.documents.document import blocks_in

DAY_7 = """
[[target]]
name = "retention_d7"
event = "activity"
edges = ["7d", "8d"]
horizons = { d7 = "8d" }
prior = 0.2
actions = [{ name = "push", cost = 0.01, benefit = 0.1 }]
"""


def read(text: str) -> Targets:
    found = read_targets(text)
    assert isinstance(found, Targets), str(found)
    return found


def test_an_empty_file_leaves_payers_and_value() -> None:
    assert read("") == DEFAULT_TARGETS


def test_retention_joins_payers_by_declaration_alone() -> None:
    payer, retention = read(DAY_7).hazards
    assert payer.name == "payer"
    assert retention.shape.edges == (7 * DAY_MS, 8 * DAY_MS)
    assert retention.shape.landmarks == LANDMARKS
    assert (retention.headline, retention.prior) == ("d7", 0.2)
    assert retention.actions == (Action("push", 0.01, 0.1),)


def test_payers_can_be_declared_otherwise() -> None:
    text = DAY_7.replace("retention_d7", "payer").replace("activity", "payment")
    assert [one.name for one in read(text).hazards] == ["payer"]


def test_money_can_be_counted_in_another_currency() -> None:
    value = read('[value]\ncurrency = "EUR"\nrates = { USD = 1.25 }').value
    assert value.micros(1_000_000, "EUR") == 1_000_000
    assert value.micros(1_000_000, "USD") == 800_000
    assert value.micros(1_000_000, "GBP") is None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("retention_d7", "Retention", "a name is a lower-case word"),
        ("retention_d7", "value", "a name is a lower-case word"),
        ('"activity"', '"install"', "Invalid enum value 'install'"),
        ("prior = 0.2", "prior = 1.0", "a share between 0 and 1"),
        ("prior = 0.2", "priors = 0.2", "unknown field `priors`"),
        ('["7d", "8d"]', '["8d", "7d"]', "rising ages"),
        ('["7d", "8d"]', '["7d"]', "rising ages"),
        ('["7d", "8d"]', '["0h", "8d"]', "edges lack 1h, 6h, 1d, 3d, 7d"),
        ('["7d", "8d"]', '["7d", "91d"]', "followed for 90 days"),
        ('["7d", "8d"]', '["7 days", "8d"]', "hours or days expected"),
        ('d7 = "8d"', 'd7 = "9d"', "every horizon is the end of a bin"),
        ("prior = 0.2", 'headline = "d1"', "headline 'd1' is not among the horizons"),
        ("cost = 0.01", "cost = -1", "cost not below 0"),
        ("prior = 0.2", "prior = nan", "a share between 0 and 1"),
    ],
)
def test_what_is_wrong_is_refused_with_one_line(old: str, new: str, words: str) -> None:
    fault = read_targets(DAY_7.replace(old, new))
    assert isinstance(fault, TargetFault)
    assert words in str(fault)
    assert "\n" not in str(fault)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[target]", "no TOML"),
        (DAY_7 + DAY_7, "declared twice"),
        ('[value]\ncurrency = "EUR"', "how many units of others are one EUR"),
        ("[value]\nrates = { EUR = 0 }", "rate of EUR: a number above 0"),
    ],
)
def test_files_that_contradict_themselves_are_refused(text: str, words: str) -> None:
    fault = read_targets(text)
    assert isinstance(fault, TargetFault)
    assert words in str(fault)


def test_the_example_declares_payers_as_they_are_built_in_and_retention_beside_them() -> None:
    payer, day_7, day_30 = read((ROOT / "deploy" / "targets.example.toml").read_text()).hazards
    assert payer == PAYING
    assert day_7 == read(DAY_7).hazards[1]
    assert day_30.shape.edges == (30 * DAY_MS, 31 * DAY_MS)


def test_the_file_that_the_documents_show_can_be_read() -> None:
    (shown,) = [block.text for block in blocks_in("toml") if "[[target]]" in block.text]
    assert [one.name for one in read(shown).hazards] == [
        "payer",
        "retention_d7",
    ]
