"""Media sources that have a secret must sign; advertising ids must be ids."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schemas.records import Flag, Installed, TouchSeen
from schemas.time import EventMs, Millis
from streams.runtime.state import MemoryStore
from streams.settings import read_settings
from streams.settings.environment import SettingError
from streams.stages.common.observer import StageObserver
from streams.stages.intake.intake import Intake, IntakeRules
from streams.wiring.parts import stage_rules
from tests.worlds.clock import NOON
from tests.worlds.stage_world import event, journeyed, matched, records_in, source

SECRET = b"north's secret"
AGE_MS = 3_600_000
RULES = IntakeRules(
    b"secret", EventMs(0), dead_letter_share_max=1.0, dead_letter_window=9,
    signature_secrets={"north": SECRET}, signature_age_ms_max=Millis(AGE_MS),
)  # fmt: skip
GAID = "38400000-8cf0-11bd-b23e-10b96e40000d"
CLICK = event(
    "touchpoint", touch_type="click", touch_id="t1", media_source="north", campaign_id="c1",
    site_id="s1",
)  # fmt: skip


def signature(fields: dict[str, Any], secret: bytes = SECRET) -> str:
    """As a producer would make it, from the documented words."""
    lines = [
        fields["event_id"], fields["app_id"], fields["touch_id"], fields["touch_type"],
        str(fields["event_time"]), fields["media_source"], fields.get("campaign_id", ""),
        fields.get("site_id", ""),
    ]  # fmt: skip
    return hmac.new(secret, "\n".join(lines).encode(), hashlib.sha256).hexdigest()


def flags_of(fields: dict[str, Any], *, ts: int = NOON, rules: IntakeRules = RULES) -> int:
    stage = Intake(0, 1, rules, StageObserver())
    effects = stage.decide([source("touchpoints", fields, ts=ts)], MemoryStore())
    flags = {one.touch.flags for one in records_in(matched(effects)) if isinstance(one, TouchSeen)}
    assert len(flags) == 1
    return flags.pop()


def test_the_documented_example_is_signed_like_this() -> None:
    fields = CLICK | {"event_id": "e1", "app_id": "app", "event_time": 1_790_000_000_000}
    assert signature(fields) == "c6d1b1bba81e588eb1a32b6c582acc63b33d7c1b23c8901062aadf41b97dd870"


def test_a_right_signature_raises_no_flag_in_either_case_of_letters() -> None:
    assert flags_of(CLICK | {"signature": signature(CLICK)}) == 0
    assert flags_of(CLICK | {"signature": signature(CLICK).upper()}) == 0
    bare = {name: CLICK[name] for name in CLICK if name not in ("campaign_id", "site_id")}
    assert flags_of(bare | {"signature": signature(bare)}) == 0


def test_no_signature_and_a_wrong_one_are_flagged_apart() -> None:
    assert flags_of(CLICK) == Flag.SIGNATURE_MISSING
    assert flags_of(CLICK | {"signature": ""}) == Flag.SIGNATURE_MISSING
    assert flags_of(CLICK | {"signature": "ÿ"}) == Flag.SIGNATURE_INVALID
    by_another = signature(CLICK, b"another secret")
    assert flags_of(CLICK | {"signature": by_another}) == Flag.SIGNATURE_INVALID


@pytest.mark.parametrize(
    "changed",
    [
        {"event_id": "e2"}, {"app_id": "other"}, {"touch_id": "t2"}, {"touch_type": "impression"},
        {"event_time": NOON - 1}, {"campaign_id": "c2"}, {"site_id": "s2"}, {"site_id": None},
    ],
)  # fmt: skip
def test_a_signature_holds_for_every_signed_field(changed: dict[str, Any]) -> None:
    assert flags_of(CLICK | {"signature": signature(CLICK)} | changed) == Flag.SIGNATURE_INVALID


def test_line_breaks_in_values_cannot_move_text_from_one_field_to_the_next() -> None:
    signed = CLICK | {"campaign_id": "c1\ns1", "site_id": ""}
    moved = signed | {"campaign_id": "c1", "site_id": "s1\n"}
    assert signature(signed) == signature(moved)
    for fields in (signed, moved):
        assert flags_of(fields | {"signature": signature(fields)}) == Flag.SIGNATURE_INVALID


@pytest.mark.parametrize(("age_ms", "flag"), [(AGE_MS, 0), (AGE_MS + 1, Flag.SIGNATURE_STALE)])
def test_a_signed_touchpoint_logged_long_after_it_happened_was_replayed(
    age_ms: int, flag: int
) -> None:
    signed = CLICK | {"signature": signature(CLICK)}
    assert flags_of(signed, ts=NOON + age_ms) == flag


def test_sources_without_a_secret_need_no_signature() -> None:
    assert flags_of(CLICK | {"media_source": "south"}) == 0
    assert flags_of(CLICK, rules=replace(RULES, signature_secrets={})) == 0


@pytest.mark.parametrize(
    ("ids", "flag"),
    [
        ({"gaid": GAID}, 0),
        ({"idfa": GAID.upper()}, 0),
        ({"gaid": "00000000-0000-0000-0000-000000000000"}, 0),
        ({"idfa": "0"}, 0),
        ({"oaid": "x", "idfv": "y"}, 0),
        ({"gaid": "null"}, 0),
        ({"gaid": GAID + "\n"}, 0),
        ({"gaid": GAID, "idfa": GAID[:-1]}, Flag.MALFORMED_ID),
        ({"idfa": GAID.replace("d", "g")}, Flag.MALFORMED_ID),
    ],
)
def test_an_advertising_id_that_is_no_uuid_is_flagged(ids: dict[str, str], flag: int) -> None:
    assert flags_of(CLICK | {"media_source": "south"} | ids) == flag


def test_flags_add_up() -> None:
    assert flags_of(CLICK | {"gaid": "x"}) == Flag.SIGNATURE_MISSING | Flag.MALFORMED_ID


@pytest.mark.parametrize(
    ("fields", "flag"),
    [
        ({}, 0),
        ({"sdk_signature_valid": True}, 0),
        ({"sdk_signature_valid": False}, Flag.SIGNATURE_INVALID),
        ({"gaid": "x"}, Flag.MALFORMED_ID),
        ({"gaid": "x", "sdk_signature_valid": False}, Flag.MALFORMED_ID | Flag.SIGNATURE_INVALID),
    ],
)
def test_an_install_is_flagged_by_its_sdk_and_its_ids(fields: dict[str, Any], flag: int) -> None:
    install = event("install", install_id="i1", **fields)
    stage = Intake(0, 1, RULES, StageObserver())
    effects = stage.decide([source("installs", install)], MemoryStore())
    (installed,) = records_in(journeyed(effects))
    assert isinstance(installed, Installed)
    assert installed.flags == flag


@pytest.mark.parametrize("written", ["north", '["north"]', '{"north": ""}', '{"north": 1}'])
def test_secrets_that_cannot_be_read_are_refused_without_showing_them(written: str) -> None:
    with pytest.raises(SettingError) as refused:
        read_settings({"HEADWATER_SIGNATURE_SECRETS": written})
    assert "its value is not a JSON object of names and secrets" in str(refused.value)
    assert written not in str(refused.value)


def test_secrets_in_a_file_reach_intake(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text('{"north": "hunter2", "south west": "other"}\n')
    settings = read_settings({"HEADWATER_SIGNATURE_SECRETS_FILE": str(file)})
    intake = stage_rules(settings).intake
    assert intake.signature_secrets == {"north": b"hunter2", "south west": b"other"}
    assert intake.signature_age_ms_max == 48 * 3_600_000
    assert "hunter2" not in repr(settings)
