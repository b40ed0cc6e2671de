"""`headwater models`: what is stored of versions, and orders that need a broker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from online_models.hazard.model import HazardModel
from online_models.hazard.scorer import HazardScorer
from streams.cli import headwater, main
from streams.cli.models.quarantine import parse_range
from streams.errors import Stop
from streams.operations.models.diff import moved, with_carried
from tests.worlds.hazard_world import SMALL, learned
from tests.worlds.stores.migrated import migrated_store
from tests.worlds.stores.model_outcomes import model_version
from tests.worlds.stores.store_world import put

pytest.importorskip("chdb")

FIRST, SECOND, CHALLENGER = "payer-10-aaaaaaaa", "payer-20-bbbbbbbb", "payer/challenger-20-cc"
HISTORY = [
    model_version(1, FIRST, "published"),
    model_version(2, SECOND, "published", figures={"rows": 2000.0, "normalised_entropy": 0.8}),
    model_version(3, "payer-30-dddddddd", "refused", live_version=SECOND, reason="too far off"),
    model_version(4, FIRST, "rolled_back", is_held=True, command_id="c1", figures={}),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    opened = migrated_store(tmp_path / "chdb")
    put(opened, HISTORY)
    opened.close()
    return tmp_path


def answered(folder: Path, *arguments: str) -> dict[str, Any]:
    answer = CliRunner().invoke(headwater, ["models", *arguments, "--data", str(folder), "--json"])
    assert answer.exit_code == 0, (answer.output, answer.exception)
    value = json.loads(answer.stdout)
    assert isinstance(value, dict)
    return value


def test_the_list_says_which_version_is_live_and_why_the_others_are_not(folder: Path) -> None:
    rows = answered(folder, "list")["versions"]
    output = {row["version"]: (row["state"], row["is_live"], row["is_held"]) for row in rows}
    assert output == {
        FIRST: ("rolled_back", True, True),
        SECOND: ("published", False, False),
        "payer-30-dddddddd": ("refused", False, False),
    }
    assert rows[0]["figures"]["normalised_entropy"] == 0.9, "the evidence it was published with"


def test_the_live_version_is_listed_whatever_its_age(folder: Path) -> None:
    rows = answered(folder, "list", "--newest", "1")["versions"]
    assert [row["version"] for row in rows] == [FIRST]


def test_show_tells_everything_that_became_of_a_version(folder: Path) -> None:
    changes = answered(folder, "show", FIRST)["changes"]
    assert [one["state"] for one in changes] == ["published", "rolled_back"]
    assert changes[1]["command_id"] == "c1"


def test_diff_puts_the_evidence_of_two_versions_side_by_side(folder: Path) -> None:
    figures = answered(folder, "diff", FIRST, SECOND)["figures"]
    assert figures["normalised_entropy"] == [0.9, 0.8]


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["show", "payer-9-eeeeeeee"], "no model version 'payer-9-eeeeeeee' is stored"),
        (["diff", FIRST, "nothing"], "no model version 'nothing' is stored"),
        (["rollback"], "HEADWATER_KAFKA is not set"),
        (["promote", CHALLENGER], "no model version"),
        (["quarantine", "7"], "is not a range of offsets"),
        (["quarantine", "9..7"], "is not a range of offsets"),
    ],
)
def test_whatever_is_wrong_is_said_in_one_line(
    folder: Path,
    arguments: list[str],
    output: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HEADWATER_DATA", str(folder))
    monkeypatch.delenv("HEADWATER_KAFKA", raising=False)
    with pytest.raises(SystemExit) as ended:
        main(["models", *arguments])
    complaint = capsys.readouterr().err
    assert ended.value.code == 1
    assert output in complaint
    assert complaint.count("\n") == 1


def test_a_stretch_is_two_offsets() -> None:
    assert parse_range("12..40") == (12, 40)
    with pytest.raises(Stop):
        parse_range("12..x")


def test_names_at_later_landmarks_are_compared_although_no_row_has_them() -> None:
    names = ["campaign=x@1d", "active@1d=3", "new_sessions@1d"]
    assert with_carried(names) == [*names, "active@3d=3", "active@7d=3"]


def test_the_features_that_moved_most_come_first() -> None:
    before, after = learned(50), learned(2000)
    found = moved(_copy(before), _copy(after), ["country=US", "platform=ios", "nobody"])
    sizes = [abs(one.after - one.before) for one in found]
    assert sizes == sorted(sizes, reverse=True)
    assert found


def _copy(model: HazardModel) -> HazardScorer:
    return HazardScorer(SMALL, model.scorer.weights)
