"""Who asks what is held about them gets all of it, and nothing about anybody else."""

from __future__ import annotations

import copy
import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from schemas.contracts.field_uses import FieldUse, used_fields
from schemas.events import TYPES
from schemas.time import DAY_MS, HOUR_MS
from streams.cli.command_line import headwater
from streams.errors import Stop
from streams.kafka.kcat import KcatRecord, record_line
from streams.operations.privacy import export_person, run_erasure, verify_request
from streams.operations.privacy.held_rows import BY_INSTALL, NAMES_NOBODY
from streams.operations.privacy.readable import readable_page
from streams.progress import ignore_progress
from streams.replay.run import run_replay
from streams.settings import Settings
from streams.stages.common.pseudonyms import Pseudonyms
from streams.store.tables import TABLES
from streams.wiring.store import stored
from tests.privacy.proof import SECRET, settings_in
from tests.worlds.clock import NOON
from tests.worlds.example_events import example_of

pytest.importorskip("chdb")

LIFE = (
    ("touchpoints", "touchpoint", -HOUR_MS),
    ("installs", "install", 0),
    ("activity", "session", HOUR_MS),
    ("activity", "in_app_event", HOUR_MS + 1),
    ("payments", "purchase", 2 * HOUR_MS),
    ("payments", "subscription", 3 * HOUR_MS),
    ("payments", "ad_revenue", 4 * HOUR_MS),
    ("payments", "refund", 5 * HOUR_MS),
)
TABLE_OF = {
    "touchpoint": "touches", "install": "attributions", "session": "active_days",
    "in_app_event": "milestones", "purchase": "revenue", "subscription": "revenue",
    "ad_revenue": "revenue", "refund": "revenue",
}  # fmt: skip
IDS = ("gaid", "oaid", "customer_user_id", "install_id", "click_id", "touch_id", "transaction_id",
       "original_transaction_id", "impression_id", "refund_id", "session_id")  # fmt: skip
OF_DEVICE, KEYED = ("gaid", "oaid"), ("gaid", "oaid", "customer_user_id")


def life(who: str, at: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every type of event with every field that its published example has, by topic."""
    number = sum(who.encode())
    for topic, kind, after in LIFE:
        fields = example_of(kind)
        fields |= {name: id_of(who, name, number) for name in IDS if name in fields}
        if kind == "subscription":
            fields["transaction_id"] = f"GPA.monthly-of-{who}"
        fields |= {"event_id": f"{who}-{kind}", "app_id": "app", "event_time": at + after}
        fields["sent_time"] = at + after
        for name in [name for name in fields if name.endswith("_time_s") or "server_s" in name]:
            fields[name] = (at - HOUR_MS // 2) // 1000
        fields |= (
            {"install_referrer": f"click_id={fields['click_id']}"} if kind == "install" else {}
        )
        fields.pop("signature", None)
        yield topic, {"type": kind, **fields}


def id_of(who: str, name: str, number: int) -> str:
    if name in OF_DEVICE:
        return f"{number:08x}-8cf0-11bd-b23e-{name.encode().hex():0>12}"
    if name in ("click_id", "touch_id"):
        return f"click-of-{who}"
    if name.endswith("transaction_id"):
        return f"GPA.of-{who}"
    return f"{name.replace('_', '-')}-of-{who}"


def request(who: str, kind: str, identity: str, number: str = "1") -> dict[str, Any]:
    value = id_of(who, identity, sum(who.encode()))
    return {
        "type": "privacy_request", "schema_version": 1, "event_id": f"q-{who}-{number}",
        "app_id": "app", "event_time": NOON + 9 * DAY_MS, "request_type": kind,
        "subject_request_id": f"dsr-{who}-{number}", "submitted_time": NOON + 9 * DAY_MS,
        "identities": [{"identity_type": identity, "identity_value": value}],
    }  # fmt: skip


def log() -> list[tuple[str, dict[str, Any]]]:
    events = [*life("jane", NOON), *life("joe", NOON + HOUR_MS)]
    letter = {"type": "install", "event_id": "bad", "gaid": id_of("jane", "gaid", JANE)}
    again = next(event for topic, event in events if topic == "installs")
    asked = [
        request("jane", "access", "gaid"), request("jane", "access", "customer_user_id", "2"),
        request("jane", "access", "install_id", "3"), request("nobody", "access", "gaid"),
        request("jane", "opt_out", "gaid", "4"), request("joe", "access", "gaid", "2"),
        request("joe", "erasure", "gaid"),
    ]  # fmt: skip
    more = [("installs", letter), ("installs", again)]
    return [*events, *more, *(("privacy-requests", one) for one in asked)]


Written = tuple[dict[str, Any], Path]
JANE, JOE = sum(b"jane"), sum(b"joe")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("access")
    lines = [
        record_line(KcatRecord(topic, 0, None, event.get("event_time", NOON), None,
                               orjson.dumps(event)))
        for topic, event in log()
    ]  # fmt: skip
    (folder / "log.jsonl").write_bytes(b"".join(lines))
    run_replay(settings_in(folder), [folder / "log.jsonl"], 1_000, ignore_progress, is_into=False)
    return folder


def export(settings: Settings, request_id: str, out: Path) -> dict[str, Any]:
    export_person(settings, request_id, out, replaces=True)
    found: dict[str, Any] = json.loads(out.read_bytes())
    return found


@pytest.fixture(scope="module", params=["gaid", "customer_user_id", "install_id"])
def written(request: pytest.FixtureRequest, folder: Path) -> Written:
    """What is written about Jane, by whichever identity she asks, and the file of it."""
    number = {"gaid": 1, "customer_user_id": 2, "install_id": 3}[request.param]
    out = folder / f"jane-{number}.json"
    return export(settings_in(folder), f"dsr-jane-{number}", out), out


def test_every_stored_field_of_the_log_is_in_the_export(
    written: Written,
) -> None:
    """By whichever identity; the log is read a second time, naively."""
    document, _ = written
    held = {name: found["rows"] for name, found in document["held"].items()}
    columns = {(one.owner, one.field): one.detail.split(", ") for one in used_fields()
               if one.use is FieldUse.STORED}  # fmt: skip
    looked_at = 0
    for topic, event in log():
        if topic == "privacy-requests" or "jane" not in event["event_id"]:
            continue
        table = TABLE_OF[event["type"]]
        rows = [row for row in held[table] if row.get("event_id", event["event_id"])
                == event["event_id"]]  # fmt: skip
        assert rows, event["event_id"]
        owners = {owner.__name__ for owner in TYPES[event["type"], 1].__mro__}
        for owner, name in columns.keys() & {(owner, name) for owner in owners for name in event}:
            for shown in columns[owner, name]:
                shown_in, column = shown.split(".")
                if shown_in == table:
                    looked_at += 1
                    assert any(same(row[column], event[name]) for row in rows), shown
    assert looked_at > 30


NOT_HERE = ("fraud_verdicts", "credits", "assignments", "experiment_exposures")
"""Tables that have no row of this person."""


def same(stored: Any, sent: Any) -> bool:
    if isinstance(sent, int) and isinstance(stored, str) and stored.startswith("20"):
        return True  # A time, which is text here.
    return str(stored).lower() in (str(sent).lower(), str(int(sent)) if sent in (0, 1) else "")


def test_decisions_predictions_and_what_was_set_aside_are_there_and_nobody_else(
    written: Written,
) -> None:
    document, file = written
    held = document["held"]
    for table in (*BY_INSTALL, "touches", "ledger", "privacy_rows", "privacy_receipts"):
        assert held[table]["rows"] or table in NOT_HERE, table
        assert held[table]["columns"]
    (decision,) = [row for row in held["attributions"]["rows"] if row["version"] == 1]
    assert decision["touch_id"] == "click-of-jane"
    for table in ("features", "predictions"):
        assert "install" in {row["landmark"] for row in held[table]["rows"]}
    # A message that could not be read is found by the device id in it, whichever way she is known.
    by_device = bool(document["person"]["device_keys"])
    assert len(held["dead_letters"]["rows"]) == int(by_device)

    files = [file, file.with_suffix(".html")]
    text = "".join(one.read_text() for one in files)
    pseudonyms = Pseudonyms(SECRET.encode())
    for name in IDS:
        joe = id_of("joe", name, JOE)
        assert joe not in text
        assert pseudonyms.of(joe) not in text
    assert "joe-" not in text
    assert {oct(one.stat().st_mode)[-3:] for one in files} == {"600"}


def test_a_text_that_somebody_sent_does_nothing_on_the_page(
    written: Written,
) -> None:
    document = copy.deepcopy(written[0])
    evil = "<script>alert('x')</script>"
    document["held"]["touches"]["rows"][0]["campaign_name"] = evil
    document["explanations"].append([evil])
    page = readable_page(document)
    assert evil not in page
    assert page.count("&lt;script&gt;") == 2


def test_every_table_has_a_condition_or_a_reason(written: Written) -> None:
    document, _ = written
    assert document["held"].keys() | NAMES_NOBODY.keys() == TABLES.keys()
    assert not document["held"].keys() & NAMES_NOBODY.keys()
    for table in NAMES_NOBODY:
        names = {column.name for column in TABLES[table].columns}
        assert not names & {"install_id", "device_key", "conversion_id"}, table


def asked(folder: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(
        headwater, ["privacy", "export", *words, "--data", str(folder)],
        env={"HEADWATER_PSEUDONYM_SECRET": SECRET},
    )  # fmt: skip
    error = done.exception
    text = str(error) if isinstance(error, Stop) else done.output
    return done.exit_code, text


def test_nobody_found_is_said(folder: Path, tmp_path: Path) -> None:
    code, text = asked(folder, "dsr-nobody-1", "--out", str(tmp_path / "nobody.json"))
    assert code == 0
    rows = json.loads((tmp_path / "nobody.json").read_bytes())["held"]
    found = {name for name, held in rows.items() if held["rows"]}
    assert found == {"privacy_rows", "privacy_receipts"}
    assert "privacy_rows" in text


@pytest.mark.parametrize(
    ("request_id", "says"),
    [("dsr-unknown", "no request dsr-unknown is stored"), ("dsr-jane-4", "of type opt_out")],
)
def test_what_cannot_be_exported_is_one_line(
    folder: Path, tmp_path: Path, request_id: str, says: str
) -> None:
    code, text = asked(folder, request_id, "--out", str(tmp_path / "x.json"))
    assert code != 0
    assert says in text
    assert not list(tmp_path.iterdir())


def test_a_file_is_replaced_only_when_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "jane.html").write_text("mine")
    words = "dsr-nobody-1", "--out", str(tmp_path / "jane.json")
    code, text = asked(folder, *words)
    assert code != 0
    assert "--force" in text
    assert (tmp_path / "jane.html").read_text() == "mine"
    assert asked(folder, *words, "--force")[0] == 0
    assert (tmp_path / "jane.html").read_text() != "mine"


def test_a_full_disk_leaves_no_half_of_a_file(folder: Path, tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    (tmp_path / "jane.json.part").symlink_to("/dev/full")
    with pytest.raises(Stop, match=os.strerror(errno.ENOSPC)):
        export_person(settings_in(folder), "dsr-jane-1", tmp_path / "jane.json", replaces=False)
    assert list(tmp_path.iterdir()) == []


def test_an_erasure_can_be_exported_until_it_is_carried_out(folder: Path, tmp_path: Path) -> None:
    document = export(settings_in(folder), "dsr-joe-1", tmp_path / "joe.json")
    assert document["person"]["installs"] == ["install-id-of-joe"]
    run_erasure(settings_in(folder), lambda _: None)
    for number in (1, 2):  # The request for access before it names nobody any more, either.
        out = tmp_path / "again.json"
        with pytest.raises(Stop, match="was forgotten"):
            export_person(settings_in(folder), f"dsr-joe-{number}", out, replaces=False)
    assert verify_request(settings_in(folder), "dsr-joe-1").naming == 0
    with stored(settings_in(folder)) as store:
        rows = [store.query(f"SELECT * FROM {table}").rows for table in sorted(TABLES)]
    pseudonym = Pseudonyms(SECRET.encode()).of(id_of("joe", "gaid", JOE))
    assert pseudonym not in str(rows)
    assert "install-id-of-joe" not in str(rows)
