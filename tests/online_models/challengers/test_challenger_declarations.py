"""What a file of targets may declare as a challenger, and what is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from online_models.challengers.challenger_file import check_challengers
from online_models.challengers.declaration import RiverDeclaration
from online_models.targets.target_file import read_targets
from schemas.file_error import FileError
from tests.online_models.challengers import river_estimators

TARGET = """
[[target]]
name = "payer"
event = "payment"
edges = ["0h", "1h", "6h", "1d", "3d", "7d"]
horizons = { d7 = "7d" }
"""
FTRL = """
[[target.challenger]]
name = "ftrl"
estimator = "river.linear_model.LogisticRegression"
one_in = 2

[target.challenger.parameters]
optimizer = { estimator = "river.optim.FTRLProximal", alpha = 0.05 }
"""


def test_a_challenger_is_declared_under_its_target() -> None:
    (payer,) = read_targets(TARGET + FTRL).hazards
    (ftrl,) = payer.challengers
    assert (ftrl.name, ftrl.described, ftrl.one_in) == (
        "ftrl",
        "river.linear_model.LogisticRegression",
        2,
    )
    check_challengers(payer.name, payer.challengers)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('name = "ftrl"', 'name = "main"', "target[0].challenger[0].name: 'main' is not a name"),
        ("one_in = 2", "one_in = 0", "target[0].challenger[0].one_in: 0 is out of range"),
        ("one_in = 2", "fast = 1", "fast"),
        ("one_in = 2", 'factory = "a:b"', "it names no classifier, or two"),
        (FTRL, FTRL + FTRL, "'ftrl' is declared twice"),
        (FTRL, FTRL * 5, "there are 5"),
    ],
)
def test_a_wrong_table_is_refused_in_one_line(old: str, new: str, expected: str) -> None:
    with pytest.raises(FileError) as refused:
        read_targets((TARGET + FTRL).replace(old, new))
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)


LOGISTIC = "river.linear_model.LogisticRegression"
CODE = river_estimators.PATH


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (RiverDeclaration("x", "os.path.join"), "'os.path.join' is no class of River"),
        (RiverDeclaration("x", "river.base.os.getcwd"), "cannot be imported"),
        (RiverDeclaration("x", "river.linear_model.Logistic"), "River has no class"),
        (RiverDeclaration("x", "river.nothing.Logistic"), "cannot be imported: ModuleNotFound"),
        (RiverDeclaration("x", "river.linear_model.LinearRegression"), "no river.base.Classifier"),
        (
            RiverDeclaration("x", LOGISTIC, parameters={"rate": 1}),
            "has no parameter 'rate'; it has",
        ),
        (RiverDeclaration("x", factory="nowhere.to.find:made"), "cannot be imported"),
        (RiverDeclaration("x", factory=f"{CODE}:missing"), "has no function 'missing'"),
        (RiverDeclaration("x", factory=f"{CODE}:no_classifier"), "no river.base.Classifier"),
        (RiverDeclaration("x", factory=f"{CODE}:bad"), "cannot be made: TypeError"),
        (RiverDeclaration("x", factory=f"{CODE}:quits"), "cannot be made: SystemExit: 2"),
        (RiverDeclaration("x", factory=f"{CODE}:shared"), "the same object each time"),
    ],
)
def test_code_that_is_not_here_is_refused_at_the_start_in_one_line(
    declared: RiverDeclaration, expected: str
) -> None:
    with pytest.raises(FileError) as refused:
        check_challengers("payer", [declared])
    assert "challenger x of target payer" in str(refused.value)
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_module_that_ends_the_process_when_it_is_imported_is_refused_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ends_at_import.py").write_text("import sys\nsys.exit(4)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(FileError, match="cannot be imported: SystemExit: 4"):
        check_challengers("payer", [RiverDeclaration("x", factory="ends_at_import:made")])
