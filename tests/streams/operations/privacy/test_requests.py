"""Who asked to be forgotten is gone from the bytes of the store, and a receipt says so."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli.command_line import headwater
from tests.privacy.people import people
from tests.privacy.proof import SECRET, prove, replay, settings_in

pytest.importorskip("chdb")


def asked(folder: Path, *words: str) -> tuple[int, dict[str, object]]:
    """The exit code and the answer of `headwater privacy`."""
    done = CliRunner().invoke(
        headwater, ["privacy", *words, "--json", "--data", str(folder)],
        env={"HEADWATER_PSEUDONYM_SECRET": SECRET}, standalone_mode=False,
    )  # fmt: skip
    assert done.exception is None, done.exception
    return done.return_value or 0, json.loads(done.stdout)


def test_nothing_is_counted_of_a_request_that_was_not_taken_up(tmp_path: Path) -> None:
    replay(settings_in(tmp_path), tmp_path, people(6, 2))
    untouched: dict[str, object] = {
        "verdict": "waiting",
        "is_gone": False, "naming": None, "tables": [], "places": [],
    }  # fmt: skip
    assert asked(tmp_path, "verify", "dsr-0") == (1, untouched)


def test_a_person_is_gone_from_all_bytes_and_a_receipt_says_so(tmp_path: Path) -> None:
    _, proof = prove(tmp_path, people(24, 3))
    assert proof.found_before > 9
    assert (proof.found_after, proof.is_unchanged) == (0, True)
    assert proof.others_after == proof.others_before > 9

    ask = partial(asked, tmp_path)
    code, verified = ask("verify", "dsr-0")
    assert (code, verified["is_gone"], verified["naming"]) == (0, True, 0)
    _, status = ask("status", "dsr-0")
    assert status["is_erased_from_tables"]
    receipts = status["receipts"]
    assert isinstance(receipts, list)
    assert {"looked_up", "found"} <= {one["result"] for one in receipts}
    assert status["remains"]
    assert ask("run") == (0, {"rows": 0, "tables": {}})
