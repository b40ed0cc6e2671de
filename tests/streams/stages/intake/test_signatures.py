"""Media sources that have a secret must sign; advertising ids must be ids."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from attribution.matching.facts import MatchFact, Settled
from attribution.matching.touch_index import TouchIndex, index_touch
from attribution.rules.rules import Rules
from schemas import events
from schemas.events import Touchpoint
from schemas.records import Flag, Installed, TouchSeen
from schemas.time import EventMs, LogMs, Millis
from streams.runtime.state import MemoryStore
from streams.settings import read_settings
from streams.settings.environment import SettingError
from streams.stages.common.observer import StageObserver
from streams.stages.intake.intake import Intake, IntakeRules
from streams.stages.intake.signatures import TOUCHPOINT_SIGNED_FIELDS
from streams.wiring.parts import stage_rules
from tests.worlds.clock import NOON
from tests.worlds.stage_world import event, journeyed, matched, records_in, source

SECRET = b"north's secret"
AGE_MS = 3_600_000
RULES = IntakeRules(
    b"secret", EventMs(0), dead_letter_share_max=1.0, dead_letter_window=9,
    signature_secrets={"north": SECRET}, signature_age_ms_max=Millis(AGE_MS),
)  # fmt: skip
SCHEMAS = Path(events.__file__).parent.parent
DOCUMENTED = re.findall(
    r"`([a-z_.]+)`",
    (SCHEMAS / "README.md").read_text().partition("in this order,")[2].partition("Values are")[0],
)
GAID = "38400000-8cf0-11bd-b23e-10b96e40000d"
CLICK = event(
    "touchpoint", touch_type="click", touch_id="t1", media_source="north", campaign_id="c1",
    site_id="s1",
)  # fmt: skip


def signature(fields: dict[str, Any], secret: bytes = SECRET) -> str:
    """As a producer would make it, from the documented words."""
    lines = {f"consent.{name}": value for name, value in (fields.get("consent") or {}).items()}
    lines |= {name: fields.get(name) for name in DOCUMENTED if not name.startswith("consent.")}
    text = ["v2"] + [
        f"{name}={value if isinstance(value, str) else json.dumps(value)}"
        for name in DOCUMENTED
        if (value := lines.get(name)) is not None
    ]
    return "v2:" + hmac.new(secret, "\n".join(text).encode(), hashlib.sha256).hexdigest()


def old_signature(fields: dict[str, Any]) -> str:
    """As the old form was documented."""
    lines = [
        fields["event_id"], fields["app_id"], fields["touch_id"], fields["touch_type"],
        str(fields["event_time"]), fields["media_source"], fields.get("campaign_id", ""),
        fields.get("site_id", ""),
    ]  # fmt: skip
    return hmac.new(SECRET, "\n".join(lines).encode(), hashlib.sha256).hexdigest()


def flags_of(fields: dict[str, Any], *, ts: int = NOON, rules: IntakeRules = RULES) -> int:
    stage = Intake(0, 1, rules, StageObserver())
    effects = stage.decide([source("touchpoints", fields, ts=ts)], MemoryStore())
    flags = {one.touch.flags for one in records_in(matched(effects)) if isinstance(one, TouchSeen)}
    assert len(flags) == 1
    return flags.pop()


def of_signature(fields: dict[str, Any], *, ts: int = NOON, rules: IntakeRules = RULES) -> int:
    """The flags that say something of the signature."""
    states = Flag.SIGNATURE_MISSING | Flag.SIGNATURE_INVALID | Flag.SIGNATURE_STALE
    return flags_of(fields, ts=ts, rules=rules) & (states | Flag.SIGNATURE_OLD)


def test_the_documented_examples_are_signed_like_this() -> None:
    fields = CLICK | {"event_id": "e1", "app_id": "app", "event_time": 1_790_000_000_000}
    assert (
        old_signature(fields) == "c6d1b1bba81e588eb1a32b6c582acc63b33d7c1b23c8901062aadf41b97dd870"
    )
    fields |= {"click_lookback_s": 86_400, "gaid": GAID, "is_retargeting": False}
    assert signature(fields) in (SCHEMAS / "README.md").read_text()


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


FULL: dict[str, Any] = CLICK | {
    "adset_id": "as",
    "ad_id": "ad",
    "sub_site_id": "ss",
    "keyword": "farm",
    "channel": "search",
    "click_lookback_s": 86_400,
    "view_lookback_s": 3_600,
    "cost_model": "cpi",
    "cost_micros": 9,
    "cost_currency": "USD",
    "is_retargeting": True,
    "is_restricted": False,
    "att_status": 3,
    "gaid": GAID,
    "idfa": GAID,
    "idfv": "v",
    "oaid": "o",
    "ip": "203.0.113.7",
    "platform": "ios",
    "user_agent": "ua",
    "os_version": "17.2",
    "country_code": "DE",
    "customer_user_id": "cu",
    "limit_ad_tracking": False,
    "environment": "production",
    "sent_time": NOON,
    "consent": {
        "gdpr_applies": True,
        "data_usage": True,
        "ads_personalization": True,
        "ad_storage": True,
    },
}
NOT_SIGNED = {
    # What a message is, and what only describes.
    *("schema_version", "source", "signature", "app_version", "campaign_name"),
    *("device_model", "adset_name", "ad_name"),
}
NEVER_NULL = {
    *("event_id", "app_id", "touch_id", "touch_type", "event_time", "environment"),
    *("is_restricted", "is_retargeting", "cost_currency"),
}
LETTER = {"sent_time": NOON + 1, "environment": "sandbox", "touch_type": "impression",
          "platform": "android", "cost_model": "cpc", "cost_currency": "EUR", "country_code": "FR",
          "event_time": NOON - 1, "app_id": "other"}  # fmt: skip


def flipped(name: str, value: object) -> object:
    """Another value of a field that is valid as well."""
    if name in LETTER:
        return LETTER[name]
    if isinstance(value, bool):
        return not value
    return value - 1 if isinstance(value, int) else f"{value}0"


def test_every_field_of_a_touchpoint_is_signed_or_decides_nothing() -> None:
    signed = {name.partition(".")[0] for name in DOCUMENTED} & set(Touchpoint.__struct_fields__)
    assert signed == set(Touchpoint.__struct_fields__) - NOT_SIGNED
    assert set(FULL) >= signed
    assert tuple(sorted(TOUCHPOINT_SIGNED_FIELDS)) == TOUCHPOINT_SIGNED_FIELDS


@pytest.mark.parametrize("name", sorted(set(FULL) - {"type", "schema_version", "media_source"}))
@pytest.mark.parametrize("is_left_out", [False, True])
def test_a_signature_holds_for_every_field_that_decides(name: str, is_left_out: bool) -> None:
    right = signature(FULL)
    assert of_signature(FULL | {"signature": right}) == 0
    if is_left_out:
        changes: list[dict[str, Any]] = [{name: None}]
    elif name == "consent":
        parts = FULL["consent"]
        changes = [{name: parts | {part: False}} for part in parts] + [{name: {}}]
    else:
        changes = [{name: flipped(name, FULL[name])}]
    if is_left_out and name in NEVER_NULL:
        return
    for changed in changes:
        assert of_signature(FULL | {"signature": right} | changed) == Flag.SIGNATURE_INVALID, (
            changed
        )


@pytest.mark.parametrize("name", ["gaid", "idfa", "idfv", "oaid", "ip", "click_lookback_s"])
def test_no_field_can_be_added_to_what_was_signed(name: str) -> None:
    added = CLICK | {"signature": signature(CLICK), name: FULL[name]}
    assert of_signature(added) == Flag.SIGNATURE_INVALID


def test_what_a_source_sent_is_signed_although_it_is_read_otherwise() -> None:
    """A placeholder id is dropped and an unreadable country left out; they are signed as sent."""
    sent = CLICK | {"gaid": "null", "idfa": "", "country_code": "Germany", "oaid": " o "}
    assert of_signature(sent | {"signature": signature(sent)}) == 0
    assert of_signature(CLICK | {"gaid": None, "signature": signature(CLICK)}) == 0


def test_a_signature_of_the_old_form_holds_until_its_day_and_is_flagged() -> None:
    old = FULL | {"signature": old_signature(FULL)}
    until = replace(RULES, old_signatures_until=LogMs(NOON))
    assert of_signature(old, rules=RULES) == Flag.SIGNATURE_OLD
    assert of_signature(old, ts=NOON - 1, rules=until) == Flag.SIGNATURE_OLD
    assert of_signature(old, ts=NOON, rules=until) == Flag.SIGNATURE_INVALID
    assert of_signature(old, ts=NOON + AGE_MS + 1) == Flag.SIGNATURE_OLD | Flag.SIGNATURE_STALE
    new = FULL | {"signature": signature(FULL)}
    assert of_signature(new, rules=until) == 0
    without_prefix = new | {"signature": new["signature"].removeprefix("v2:")}
    assert of_signature(without_prefix) == Flag.SIGNATURE_INVALID


@pytest.mark.parametrize("kind", ["click", "impression"])
def test_a_touchpoint_of_the_old_form_counts_once_over_all_its_keys(kind: str) -> None:
    """Its signature does not cover device ids, so copies for other devices must not multiply it."""
    shown = CLICK | {"touch_type": kind, "gaid": GAID}
    shown |= {"signature": old_signature(shown)}
    copies = [shown | {"gaid": GAID[:-4] + f"{n:04x}", "idfv": f"v{n}"} for n in range(20)]
    stage = Intake(0, 1, RULES, StageObserver())
    effects = stage.decide([source("touchpoints", one) for one in (shown, *copies)], MemoryStore())
    seen = [one for one in records_in(matched(effects)) if isinstance(one, TouchSeen)]
    assert len({one.key for one in seen}) == 1
    index: TouchIndex | None = None
    facts: list[MatchFact] = []
    for one in seen:
        index, found = index_touch(index, one, Rules())
        facts += found
    sent_on = [fact for fact in facts if isinstance(fact, TouchSeen)]
    assert [one.key for one in sent_on] == seen[0].more
    assert len(sent_on) == 1
    assert not sent_on[0].is_home
    settled = [fact.disposition for fact in facts if isinstance(fact, Settled)]
    assert settled == ["decided", *["duplicate"] * 20]


def test_touchpoints_in_the_old_form_are_counted() -> None:
    counted: list[str] = []

    class Counting(StageObserver):
        def on_old_signature(self, media_source: str) -> None:
            counted.append(media_source)

    stage = Intake(0, 1, RULES, Counting())
    old = CLICK | {"signature": old_signature(CLICK)}
    new = CLICK | {"signature": signature(CLICK)}
    stage.decide([source("touchpoints", one) for one in (old, new, old)], MemoryStore())
    assert counted == ["north", "north"]


def test_line_breaks_in_values_cannot_move_text_from_one_field_to_the_next() -> None:
    signed = CLICK | {"campaign_id": "c1\nsite_id=s1", "site_id": None}
    moved = CLICK | {"campaign_id": "c1", "site_id": "s1"}
    assert signature(signed) != signature(CLICK | {"event_id": "e9"})
    assert flags_of(signed | {"signature": signature(signed)}) == Flag.SIGNATURE_INVALID
    assert flags_of(moved | {"signature": signature(moved)}) == 0
    old = CLICK | {"campaign_id": "c1\ns1", "site_id": ""}
    assert flags_of(old | {"signature": old_signature(old)}) == Flag.SIGNATURE_INVALID


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
    assert intake.old_signatures_until == 1_814_400_000_000  # 2027-07-01
    assert "hunter2" not in repr(settings)
