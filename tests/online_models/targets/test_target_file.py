"""Files of targets: what can be declared, and what is refused with which words."""

from __future__ import annotations

import pytest

from online_models.scoring.landmarks import LANDMARKS
from online_models.targets.target_file import read_targets
from online_models.targets.targets import DEFAULT_TARGETS, PAYING, Action, Targets
from schemas.file_error import FileError
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
    return read_targets(text)


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
        ("retention_d7", "Retention", "target[0].name: 'Retention' is not a name of a target"),
        ("retention_d7", "value", "target[0].name: 'value' is not a name of a target"),
        (
            '"activity"',
            '"install"',
            "event: 'install' is not a choice; allowed: activity",
        ),
        (
            "prior = 0.2",
            "prior = 0.2\npositives_min = 9",
            "positives_min: 9 positives show nothing",
        ),
        (
            "prior = 0.2",
            "prior = 0.2\npositives_min = 80\nproven_positives = 60",
            "proven_positives: no version goes live on 60 positives",
        ),
        ("prior = 0.2", "prior = 1.0", "prior: 1.0 is out of range; allowed: between 0 and 1"),
        ("prior = 0.2", "priors = 0.2", "target[0]: unknown key 'priors', did you mean prior?"),
        (
            '["7d", "8d"]',
            '["8d", "7d"]',
            "edges: these are not the edges of bins; allowed: 2 to 33",
        ),
        (
            '["7d", "8d"]',
            '["7d"]',
            "edges: these are not the edges of bins; allowed: 2 to 33",
        ),
        ('["7d", "8d"]', '["0h", "8d"]', "target[0].edges: they lack 1h, 6h, 1d, 3d, 7d"),
        (
            '["7d", "8d"]',
            '["7d", "91d"]',
            "edges[1]: 91d is not an age that installs are",
        ),
        ('["7d", "8d"]', '["7 days", "8d"]', "target[0].edges[0]: '7 days' is not a duration"),
        (
            'd7 = "8d"',
            'd7 = "9d"',
            "horizons.d7: 9d is not the end of a bin; allowed: 8d",
        ),
        (
            "prior = 0.2",
            'headline = "d1"',
            "headline: 'd1' is not a horizon; allowed: d7",
        ),
        (
            "cost = 0.01",
            "cost = -1",
            "actions[0].cost: -1.0 is out of range; allowed: 0",
        ),
        ("prior = 0.2", "prior = nan", "prior: nan is out of range; allowed: between 0 and 1"),
        ('["7d", "8d"]', '["7d", "8.5d", "8d"]', "2 to 33 rising ages"),
        ('["7d", "8d"]', '["7d", "191m"]', "whole hours or days up to 90d"),
        ('["7d", "8d"]', '["-1d", "8d"]', "edges[0]: -1d is not an age"),
    ],
)
def test_what_is_wrong_is_refused_with_one_line(old: str, new: str, words: str) -> None:
    with pytest.raises(FileError) as refused:
        read_targets(DAY_7.replace(old, new))
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[target]", "not TOML"),
        (DAY_7 + DAY_7, "target[1].name: 'retention_d7' is declared twice"),
        ('[value]\ncurrency = "EUR"', "how many units of other currencies are one EUR"),
        (
            "[value]\nrates = { EUR = 0 }",
            "value.rates.EUR: 0.0 is out of range; allowed: more than 0",
        ),
    ],
)
def test_files_that_contradict_themselves_are_refused(text: str, words: str) -> None:
    with pytest.raises(FileError) as refused:
        read_targets(text)
    assert words in str(refused.value)


def test_the_example_declares_payers_as_they_are_built_in_and_retention_beside_them() -> None:
    payer, day_7, day_30 = read((ROOT / "deploy" / "targets.example.toml").read_text()).hazards
    assert payer == PAYING
    assert day_7 == read(DAY_7).hazards[1]
    assert day_30.shape.edges == (30 * DAY_MS, 31 * DAY_MS)


def test_the_file_that_the_documents_show_can_be_read() -> None:
    shown, challenged = [block.text for block in blocks_in("toml") if "[[target]]" in block.text]
    assert [one.name for one in read(shown).hazards] == [
        "payer",
        "retention_d7",
    ]
    (payer,) = read(challenged).hazards
    assert [one.name for one in payer.challengers] == ["ftrl", "own"]
