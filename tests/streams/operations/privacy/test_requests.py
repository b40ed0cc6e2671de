"""Who asked to be forgotten is gone from the bytes of the store, and a receipt says so."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from schemas.time import DAY_MS
from streams.cli.command_line import headwater
from streams.kafka.kcat import KcatRecord, record_line
from streams.operations.privacy import run_erasure
from streams.progress import ignore_progress
from streams.replay.run import run_replay
from tests.privacy.people import Person, people, requests_of
from tests.privacy.proof import SECRET, prove, replay, settings_in
from tests.worlds.clock import NOON

pytest.importorskip("chdb")

VIEWS = ("v_attributions", "v_campaign_daily", "v_channel_credit_daily", "v_revenue")
"""`python -m tests.privacy` looks at every view."""


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
    _, proof = prove(tmp_path, people(24, 3), views=VIEWS)
    assert proof.found_before > 9
    assert proof.found_after == 0
    assert (proof.views, proof.changed, proof.last_digits) == (len(VIEWS), [], 0)
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


def test_a_request_replayed_beside_rows_of_other_logs_gives_no_false_all_clear(
    tmp_path: Path,
) -> None:
    settings, crowd = settings_in(tmp_path), people(6, 0)
    replay(settings, tmp_path, crowd)
    by_install, by_account = crowd[0], crowd[1]
    file = tmp_path / "requests.jsonl"
    requests = [
        request_of(by_install._replace(asks_by="install_id"), "by-install"),
        request_of(by_account._replace(asks_by="customer_user_id"), "by-account"),
        request_of(by_account._replace(asks_by="install_id", install_id="nobody"), "nobody"),
    ]
    file.write_bytes(b"".join(map(record_line, requests)))
    run_replay(settings, [file], 1_000, ignore_progress, is_into=True)

    ask = partial(asked, tmp_path)
    assert ask("status", "by-install")[1]["verdict"] == "waiting"
    run_erasure(settings, lambda _: None)
    verdicts = [
        ask("verify", name)[1]["verdict"] for name in ("by-install", "by-account", "nobody")
    ]
    assert verdicts == ["erased", "not_looked_up", "not_looked_up"]
    assert ask("verify", "by-account")[0] == 1


def request_of(person: Person, name: str) -> KcatRecord:
    """A request that comes long after everything else."""
    (record,) = requests_of([person], NOON + 60 * DAY_MS)
    content = json.loads(record.value or b"") | {"subject_request_id": name, "event_id": name}
    return record._replace(value=json.dumps(content).encode())
