"""Any event id leads to what became of the event, also of a duplicate or one that waits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from streams.cli import headwater
from streams.kafka.kcat import KcatRecord, record_line
from streams.operations.explain import explain_id, explanation_text
from streams.progress import ignore_progress
from streams.replay.run import run_replay
from streams.settings import Settings, read_settings

pytest.importorskip("chdb")

NOW = 1_790_000_000_000
FIELDS = {"event_id", "disposition", "duplicate_of", "reason"}


def _line(topic: str, at: int, kind: str, event_id: str, /, **fields: Any) -> bytes:
    event = {
        "type": kind,
        "schema_version": 1,
        "event_id": event_id,
        "app_id": "app.one",
        "event_time": NOW + at,
        **fields,
    }
    return record_line(KcatRecord(topic, 0, None, NOW + at, None, json.dumps(event).encode()))


CLICK = {"touch_type": "click", "touch_id": "clk-1", "media_source": "adnova"}
FIRST = {"install_id": "i-1", "install_referrer": "click_id=clk-1"}
BACK = {"kind": "refund", "amount_micros": -990_000, "currency": "USD"}
PAID = {"transaction_id": "GPA.1", "amount_micros": 1_990_000, "currency": "USD"}
HISTORY = [
    _line("touchpoints", 0, "touchpoint", "click", **CLICK),
    _line("touchpoints", 1, "touchpoint", "click", **CLICK),
    _line("installs", 1_000, "install", "open", **FIRST),
    _line("installs", 1_001, "install", "open-again", **FIRST),
    _line("installs", 1_002, "install", "open-two", install_id="i-1", app_id="app.two"),
    _line("activity", 2_000, "session", "visit", install_id="i-1", session_id="s-1"),
    _line("activity", 2_001, "session", "visit", install_id="i-1", session_id="s-1"),
    _line("activity", 2_002, "session", "early", install_id="i-9", session_id="s-9"),
    _line("payments", 3_000, "purchase", "buy", install_id="i-1", **PAID),
    _line("payments", 3_002, "purchase", "euros", install_id="i-1", **{**PAID, "currency": "€"}),
    _line("payments", 3_003, "refund", "back", transaction_id="GPA.1", refund_id="r-1", **BACK),
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder: Path = tmp_path_factory.mktemp("explained")
    file = folder / "dump.jsonl"
    file.write_bytes(b"".join(HISTORY))
    settings = read_settings({"HEADWATER_DATA": str(folder / "data")})
    run_replay(settings, [file], 4_000, ignore_progress, is_into=False)
    return settings


def events(settings: Settings, identifier: str, app: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = explain_id(settings, identifier, app).as_json()["events"]
    assert all(event.keys() >= FIELDS for event in found)
    return found


def fates(settings: Settings, identifier: str, app: str = "") -> list[tuple[str, str, str | None]]:
    return [
        (event["event_id"], event["disposition"], event["duplicate_of"])
        for event in events(settings, identifier, app)
    ]


@pytest.mark.parametrize("identifier", ["click", "clk-1"])
def test_a_touchpoint_and_its_copy(settings: Settings, identifier: str) -> None:
    assert fates(settings, identifier) == [
        ("click", "decided", None),
        ("click", "duplicate", "click"),
    ]


def test_a_first_open_that_was_sent_again_under_another_event_id(settings: Settings) -> None:
    (event,) = events(settings, "open-again")
    assert (event["disposition"], event["duplicate_of"]) == ("duplicate", "open")
    assert "i-1 was counted before by event open, at installs:0:0" in event["reason"]
    assert fates(settings, "open") == [("open", "decided", None)]


def test_an_install_names_the_events_that_told_of_it(settings: Settings) -> None:
    assert fates(settings, "i-1", "app.one") == [
        ("open", "decided", None),
        ("open-again", "duplicate", "open"),
        ("euros", "dead_lettered", None),
    ]


def test_an_install_id_of_two_apps_is_told_apart(settings: Settings) -> None:
    both = explain_id(settings, "i-1").installs
    assert [(one["app_id"], one["install_id"]) for one in both] == [
        ("app.one", "i-1"),
        ("app.two", "i-1"),
    ]
    (second,) = explain_id(settings, "i-1", "app.two").installs
    assert {row["app_id"] for row in second["decisions"]} == {"app.two"}
    assert second["revenue"] == []
    assert fates(settings, "i-1", "app.two")[0] == ("open-two", "decided", None)


def test_a_session_that_was_sent_again(settings: Settings) -> None:
    assert fates(settings, "visit") == [("visit", "duplicate", "visit")]


def test_an_event_that_waits_says_for_what_and_until_when(settings: Settings) -> None:
    (event,) = events(settings, "early")
    assert event["disposition"] == "parked"
    assert "waits for its install until 2026-" in event["reason"]


def test_a_payment_leads_to_its_booking(settings: Settings) -> None:
    (event,) = events(settings, "GPA.1")[:1]
    assert (event["disposition"], event["reason"]) == ("decided", "booked to install i-1")
    assert [row["install_id"] for row in explain_id(settings, "GPA.1").installs] == ["i-1"]


def test_a_refund_id_leads_to_the_refund_and_to_who_had_paid(settings: Settings) -> None:
    assert fates(settings, "r-1") == [("back", "decided", None)]
    assert [row["install_id"] for row in explain_id(settings, "r-1").installs] == ["i-1"]
    assert not explain_id(settings, "-1").is_known, "the end of an id is no id"


def test_a_dead_letter_gives_its_reason(settings: Settings) -> None:
    (event,) = events(settings, "euros")
    assert event["disposition"] == "dead_lettered"
    assert event["reason"].startswith(("unknown_currency", "invalid_value"))


@pytest.mark.parametrize(
    ("position", "disposition", "duplicate_of"),
    [
        ("installs:0:0", "decided", None),
        ("installs:0:1", "duplicate", "open"),
        ("activity:0:1", "duplicate", "visit"),
        ("payments:0:1", "dead_lettered", None),
    ],
)
def test_a_position_of_the_log_is_an_event(
    settings: Settings, position: str, disposition: str, duplicate_of: str | None
) -> None:
    (event,) = events(settings, position)
    assert (event["disposition"], event["duplicate_of"]) == (disposition, duplicate_of)


def test_the_text_says_it_in_one_line(settings: Settings) -> None:
    text = explanation_text(explain_id(settings, "open-again"))
    assert text.startswith("Event open-again at installs:0:1: duplicate of event open, ")


def test_the_command_takes_the_app(settings: Settings) -> None:
    arguments = ["explain", "i-1", "--app", "app.two", "--json", "--data"]
    answer = CliRunner().invoke(headwater, [*arguments, str(settings.folders.data)])
    found = json.loads(answer.stdout)
    assert [install["app_id"] for install in found["installs"]] == ["app.two"]
