"""Somebody looks at what was set aside, takes it away in a file, and drops the bytes."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

pytest.importorskip("chdb", reason="the embedded store is not installed")

from streams.cli import headwater
from streams.kafka.kcat import KcatRecord, read_records
from streams.store.embedded import EmbeddedStore
from streams.store.reconcile import reconcile
from tests.worlds.stores.migrated import migrated_store

TIME = 1_767_225_600_000
BROKEN = json.dumps({"type": "purchase", "app_id": "com.game", "event_id": "e1"}).encode()
NOT_UTF8 = b"\xff\xfe\x00"
STEERING = b"[\x1b[2J"
LETTERS = (
    ("payments", "missing_id", b"k", BROKEN),
    ("payments", "missing_id", b"k", BROKEN),
    ("touchpoints", "invalid_utf8", b"", NOT_UTF8),
    ("touchpoints", "malformed_json", b"", STEERING),
    ("activity", "malformed_json", b"", b""),
)
POISON = b'{"type":"install","app_id":"com.game","install_id":"i1"}'
Run = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five dead letters, two of them alike and one empty, and an event that made intake raise."""
    folder = tmp_path_factory.mktemp("letters")
    store = migrated_store(folder / "chdb")
    positions = ("source_topic", "source_partition", "source_offset")
    for offset, (topic, reason, key, value) in enumerate(LETTERS):
        at = dict(zip(positions, (topic, 0, offset), strict=True))
        _put(store, "dead_letters", offset, reason=reason, detail="why", payload=_text(value),
             key=_text(key), received_at=TIME, **at)  # fmt: skip
        _settle(store, offset, topic, offset, "dead_lettered")
    _put(store, "quarantined", 0, quarantine_id="installs:0:9", stage="intake", kind="event",
         error="ValueError", detail="intake:1 decode; rules:2 ask: not so", state_key="",
         app_id="com.game", install_id="i1", log_topic="installs", log_topic_partition=0,
         log_topic_offset=9, payload=_text(POISON), message_key=_text(b"i1"), received_at=TIME,
         source_topic="installs", source_partition=0, source_offset=9)  # fmt: skip
    _settle(store, 9, "installs", 9, "quarantined")
    assert reconcile(store).faults == []
    store.close()
    return folder


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _put(store: EmbeddedStore, table: str, log_offset: int, **values: Any) -> None:
    row = {**values, "log_epoch": "epoch", "log_partition": 0, "log_offset": log_offset}
    store.insert(table, {name: [value] for name, value in row.items()})


def _settle(store: EmbeddedStore, at: int, topic: str, offset: int, disposition: str) -> None:
    _put(store, "ledger", at, stage="intake", disposition=disposition, move=0, source_topic=topic,
         source_partition=0, offsets=[offset], repeat_ids=[], repeats_of=[], repeat_offsets=[],
         flood_app="", flood_reason="")  # fmt: skip


def _run(folder: Path, *arguments: object, answer: str = "") -> Result:
    """Runs `headwater dead-letters` on the store of a folder."""
    words = ["dead-letters", *map(str, arguments), "--data", str(folder)]
    return CliRunner().invoke(headwater, words, input=answer)


def _answer(folder: Path, *arguments: object) -> Any:
    found = _run(folder, *arguments, "--json")
    assert found.exit_code == 0, found.exception
    return json.loads(found.stdout)


@pytest.fixture
def run(folder: Path) -> Run:
    return partial(_run, folder)


@pytest.fixture
def answered(folder: Path) -> Run:
    return partial(_answer, folder)


@pytest.fixture
def own_folder(folder: Path, tmp_path: Path) -> Path:
    """A copy of the store, to drop from."""
    return Path(shutil.copytree(folder, tmp_path / "own", symlinks=True))


def _faults(folder: Path) -> list[str]:
    store = EmbeddedStore(folder / "chdb")
    try:
        return reconcile(store).faults
    finally:
        store.close()


@pytest.mark.parametrize("name", ["payments/0/0", "payments:0:0"])
def test_a_dead_letter_is_shown_by_its_place(answered: Run, name: str) -> None:
    (letter,) = answered("show", name)["letters"]
    assert (letter["reason"], letter["detail"], letter["app_id"]) == (
        "missing_id", "why", "com.game",
    )  # fmt: skip
    assert (letter["text"], letter["key"], letter["dropped"]) == (BROKEN.decode(), "k", False)
    assert letter["advice"]


def test_an_event_id_shows_every_copy(answered: Run) -> None:
    assert [one["offset"] for one in answered("show", "e1")["letters"]] == [0, 1]


def test_bytes_that_are_no_text_are_shown_as_hex(run: Run, answered: Run) -> None:
    assert answered("show", "touchpoints/0/2")["letters"][0]["hex"] == NOT_UTF8.hex()
    assert f"hex {NOT_UTF8.hex()}" in run("show", "touchpoints/0/2").stdout


def test_a_message_cannot_steer_the_terminal(run: Run) -> None:
    shown = run("show", "touchpoints/0/3").stdout
    assert "\x1b" not in shown
    assert shown.splitlines()[-1] == "[\\x1b[2J"


@pytest.mark.parametrize("name", ["installs/0/9", "installs:0:9"])
def test_a_quarantined_record_says_where_it_was_raised(run: Run, name: str) -> None:
    lines = run("show", name).stdout.splitlines()
    assert "  error:       ValueError, raised at" in lines
    assert "    rules:2 ask: not so" in lines
    assert POISON.decode() in lines


def test_nothing_under_a_name_is_an_error(run: Run) -> None:
    found = run("show", "payments/0/99")
    assert found.exit_code == 1
    assert "nothing is set aside under 'payments/0/99'" in str(found.exception)


def test_the_list_names_quarantined_keys(answered: Run) -> None:
    (key,) = answered("list")["quarantined_keys"]
    assert (key["app"], key["install"], key["error"], key["records"]) == (
        "com.game", "i1", "ValueError", 1,
    )  # fmt: skip


def test_an_export_is_a_dump_of_each_distinct_message(
    run: Run, answered: Run, tmp_path: Path
) -> None:
    file = tmp_path / "letters.jsonl"
    assert answered("export", file)["exported"] == 5
    records = list(read_records([file]))
    assert KcatRecord("payments", 0, 0, TIME, b"k", BROKEN) in records
    assert KcatRecord("touchpoints", 0, 2, TIME, None, NOT_UTF8) in records
    assert {record.value for record in records} == {BROKEN, NOT_UTF8, STEERING, b"", POISON}
    assert file.stat().st_mode & 0o077 == 0
    again = run("export", file, "--topic", "payments")
    assert again.exit_code == 1
    assert "--force" in str(again.exception)
    assert answered("export", file, "--topic", "payments", "--force")["exported"] == 1
    assert len(list(read_records([file]))) == 1
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("choice", "letters", "quarantined"),
    [
        (("--all",), 5, 1),
        (("--reason", "malformed_json"), 2, 0),
        (("--reason", "quarantined"), 0, 1),
        (("--app", "com.game"), 2, 1),
        (("--topic", "payments"), 2, 0),
        (("--since", "2026-01-02"), 0, 0),
    ],
)
def test_a_dry_run_says_what_would_be_dropped(
    answered: Run, choice: tuple[str, ...], letters: int, quarantined: int
) -> None:
    counted = answered("drop", *choice, "--dry-run")
    assert not counted["dropped"]
    assert (counted["dead_letters"], counted["quarantined"]) == (letters, quarantined)


def test_dropped_bytes_are_gone_and_say_so_and_the_books_still_balance(own_folder: Path) -> None:
    answered = partial(_answer, own_folder)
    size = 2 * len(BROKEN) + len(POISON)
    assert answered("drop", "--app", "com.game", "--yes") == {
        "dropped": True, "dead_letters": 2, "quarantined": 1, "stored_bytes": size,
    }  # fmt: skip
    assert answered("drop", "--app", "com.game", "--dry-run")["dead_letters"] == 0
    (letter,) = answered("show", "payments/0/0")["letters"]
    assert (letter["dropped"], letter["bytes"], letter["key"]) == (True, 0, "")
    assert letter["detail"] == "why (bytes dropped)"
    assert answered("export", own_folder / "rest.jsonl")["exported"] == 3
    listed = answered("list")
    assert listed["dead_letters"] == len(LETTERS)
    assert sum(kind["dropped"] for kind in listed["reasons"]) == 2
    assert _run(own_folder, "drop", "--all", answer="y\n").exit_code == 0
    assert answered("drop", "--all", "--dry-run")["dead_letters"] == 0
    assert _faults(own_folder) == []


def test_nothing_is_dropped_without_a_choice_or_an_answer(run: Run, answered: Run) -> None:
    assert run("drop", "--yes").exit_code == 2
    assert run("drop", "--all", "--topic", "payments", "--yes").exit_code == 2
    for answer in ("n\n", ""):
        refused = run("drop", "--all", answer=answer)
        assert "nothing is dropped" in str(refused.exception)
    assert answered("drop", "--all", "--dry-run")["dead_letters"] == len(LETTERS)


def test_an_explanation_names_the_quarantined_key(folder: Path) -> None:
    for name in ("i1", "installs:0:9"):
        words = CliRunner().invoke(headwater, ["explain", name, "--data", str(folder)]).stdout
        assert "raised ValueError" in words
        assert "`headwater dead-letters show installs:0:9`" in words
