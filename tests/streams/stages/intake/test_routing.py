"""Where events of a user's life go: under which keys, with which signals, to whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schemas.records import (
    AccessSeen,
    ChoiceMade,
    Erased,
    ErasureSeen,
    Installed,
    InstallSeen,
    Signal,
    SiteTouches,
    TouchSeen,
    site_frames,
)
from schemas.time import EventMs, LogMs
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Effects
from streams.stages.intake.intake import Intake, IntakeRules
from tests.worlds.clock import NOON
from tests.worlds.stage_world import event, journeyed, matched, records_in, rows, settled, source

RULES = IntakeRules(b"secret", EventMs(0), dead_letter_share_max=1.0, dead_letter_window=9)
GUESSING = replace(RULES, is_probabilistic=True)
HOME: dict[str, Any] = {"ip": "20.1.2.3", "consent": {"data_usage": True}}
GAID = "38400000-8cf0-11bd-b23e-10b96e40000d"


def intake(topic: str, fields: dict[str, Any], rules: IntakeRules = RULES) -> Effects:
    stage = Intake(0, 1, rules, StageObserver())
    return stage.decide([source(topic, fields)], MemoryStore())


def touched(rules: IntakeRules = RULES, **fields: Any) -> list[TouchSeen]:
    common = {"touch_type": "click", "touch_id": "t", "media_source": "north"}
    effects = intake("touchpoints", event("touchpoint", **(common | fields)), rules)
    return [one for one in records_in(matched(effects)) if isinstance(one, TouchSeen)]


def opened(rules: IntakeRules = RULES, **fields: Any) -> tuple[Installed, list[InstallSeen]]:
    effects = intake("installs", event("install", install_id="i1", **fields), rules)
    (install,) = records_in(journeyed(effects))
    asked = [one for one in records_in(matched(effects)) if isinstance(one, InstallSeen)]
    return install, asked


# --- matching without ids -------------------------------------------------------------------------


def test_nobody_is_compared_unless_somebody_switched_it_on() -> None:
    assert [one.key[:2] for one in touched(**HOME)] == ["c:"]
    assert touched(**HOME)[0].touch.traits == []
    install, asked = opened(**HOME)
    assert (install.traits, install.lookups, asked) == ([], 0, [])


def test_a_touchpoint_without_ids_is_looked_for_in_its_network_too() -> None:
    found = touched(GUESSING, **HOME)
    assert [one.key[:2] for one in found] == ["c:", "n:"]
    assert [one.is_home for one in found] == [True, False]
    assert len(found[0].touch.traits) == 5


def test_whoever_carries_a_device_id_is_recognised_by_it_or_not_at_all() -> None:
    found = touched(GUESSING, gaid=GAID, **HOME)
    assert [one.key[:2] for one in found] == ["c:", "d:"]
    assert found[0].touch.traits == []


def test_the_id_of_a_device_without_one_is_no_id() -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    assert [one.key[:2] for one in touched(GUESSING, gaid=nobody, **HOME)] == ["c:", "n:"]


def test_without_consent_nobody_is_compared() -> None:
    for consent in (None, {}, {"data_usage": False}):
        fields = HOME | {"consent": consent}
        assert [one.key[:2] for one in touched(GUESSING, **fields)] == ["c:"]
        assert opened(GUESSING, **fields)[1] == []


def test_an_install_asks_its_network_last_also_when_it_has_ids() -> None:
    """The touchpoint may be the one without."""
    install, asked = opened(GUESSING, gaid=GAID, click_id="t", **HOME)
    assert [(one.signal, one.ordinal) for one in asked] == [
        (Signal.CLICK_ID, 0),
        (Signal.DEVICE_ID, 1),
        (Signal.PROBABILISTIC, 2),
    ]
    assert install.lookups == 3
    assert len(install.traits) == 5


def test_touchpoint_and_install_in_one_network_meet_under_one_key() -> None:
    (_, network) = touched(GUESSING, **HOME)
    assert opened(GUESSING, **HOME)[1][0].key == network.key


# --- sessions that name a click -------------------------------------------------------------------


def test_a_session_asks_for_the_click_that_opened_it() -> None:
    fields = event("session", install_id="i1", session_id="s", touch_id="t")
    (asked,) = records_in(matched(intake("activity", fields)))
    assert isinstance(asked, InstallSeen)
    assert (asked.signal, asked.ordinal, asked.time) == (Signal.CLICK_ID, -1, NOON)
    assert asked.key == touched()[0].key


def test_a_session_that_names_no_click_asks_nobody() -> None:
    fields = event("session", install_id="i1", session_id="s")
    assert records_in(matched(intake("activity", fields))) == []


# --- erasure --------------------------------------------------------------------------------------


def request(request_type: str = "erasure", **identity: str) -> dict[str, Any]:
    return event(
        "privacy_request", subject_request_id="r1", request_type=request_type,
        submitted_time=NOON, identities=[identity],
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["gaid", "idfa", "idfv", "oaid"])
def test_an_erasure_asks_under_the_key_that_the_device_is_known_by(kind: str) -> None:
    effects = intake("privacy-requests", request(identity_type=kind, identity_value=GAID))
    named: dict[str, Any] = {kind: GAID}
    key = opened(**named)[1][0].key
    tests_key = opened(environment="sandbox", **named)[1][0].key
    assert tests_key != key
    asked = [ErasureSeen(one, "r1", LogMs(NOON)) for one in (key, tests_key)]
    assert records_in(matched(effects)) == asked


def test_an_erasure_asks_the_account_and_the_install_it_names() -> None:
    effects = intake(
        "privacy-requests", request(identity_type="customer_user_id", identity_value="jane")
    )
    (asked,) = records_in(matched(effects))
    assert asked.key.startswith("u:app:")
    assert "jane" not in asked.key
    effects = intake("privacy-requests", request(identity_type="install_id", identity_value="i1"))
    assert records_in(journeyed(effects)) == [
        Erased("i1", "r1", LogMs(NOON), "app", is_sandbox) for is_sandbox in (False, True)
    ]


def test_an_erasure_asks_under_every_form_in_which_earlier_builds_knew_a_uuid() -> None:
    upper = "5F0C1A52-7D0E-4F6B-9A53-2D1C7F1B8E10"
    asked = request(identity_type="install_id", identity_value=f"{{{upper}}}")
    forms = {one.install_id for one in records_in(journeyed(intake("privacy-requests", asked)))}
    assert forms == {upper, upper.lower(), f"{{{upper}}}"}
    asked = request(identity_type="customer_user_id", identity_value=upper.lower())
    as_sent = replace(RULES, has_normal_ids=False)
    keys = [one.key for one in records_in(matched(intake("privacy-requests", asked)))]
    for form, rules in ((upper, RULES), (upper, as_sent), (upper.lower(), as_sent)):
        fields = event("session", session_id="s", install_id="i1", customer_user_id=form)
        (linked,) = records_in(matched(intake("activity", fields, rules)))
        assert linked.key in keys
    assert len(keys) == 2


def test_who_asks_for_access_is_looked_for_under_every_key_and_changes_nothing() -> None:
    asked = request("access", identity_type="gaid", identity_value=GAID)
    effects = intake("privacy-requests", asked)
    erased = intake("privacy-requests", request(identity_type="gaid", identity_value=GAID))
    seen = records_in(matched(effects))
    assert {type(one) for one in seen} == {AccessSeen}
    assert [one.key for one in seen] == [one.key for one in records_in(matched(erased))]
    (receipt,) = rows(effects, "privacy-receipts")
    assert (receipt["place"], receipt["result"]) == ("access", "looked_up")

    named = request("access", identity_type="install_id", identity_value="i1")
    receipts = rows(intake("privacy-requests", named), "privacy-receipts")
    installs = [one["subject_key"] for one in receipts if one["result"] == "linked"]
    assert installs == ["i1", "i1"]  # Its test traffic, too.


@pytest.mark.parametrize(
    ("request_type", "choices"), [("access", []), ("opt_out", [True]), ("opt_in", [False])]
)
def test_only_an_erasure_erases(request_type: str, choices: list[bool]) -> None:
    fields = request(request_type, identity_type="install_id", identity_value="i1")
    effects = intake("privacy-requests", fields)
    made = records_in(journeyed(effects))
    assert {type(one) for one in made} <= {ChoiceMade}
    assert [one.is_refused for one in made if not one.is_sandbox] == choices
    assert [row["request_type"] for row in rows(effects, "privacy-rows")] == [request_type]


@pytest.mark.parametrize(
    ("identity", "result"),
    [
        ({"identity_type": "gaid", "identity_value": GAID}, "looked_up"),
        ({"identity_type": "install_id", "identity_value": "i1"}, "looked_up"),
        ({"identity_type": "email", "identity_value": "jane@example.org"}, "looked_up"),
        (
            {"identity_type": "gaid", "identity_value": "f" * 64, "identity_format": "sha256"},
            "cannot_be_matched",
        ),
    ],
)
def test_every_identity_of_a_request_gets_an_answer(identity: dict[str, str], result: str) -> None:
    effects = intake("privacy-requests", request(**identity))
    (receipt,) = rows(effects, "privacy-receipts")
    assert (receipt["receipt_id"], receipt["result"]) == ("r1:intake:0", result)
    assert identity["identity_value"] not in str(receipt)
    assert bool(records_in(matched(effects)) + records_in(journeyed(effects))) == (
        result == "looked_up"
    )


def test_an_address_names_the_account_that_it_is() -> None:
    same = {
        kind: intake(
            "privacy-requests", request(identity_type=kind, identity_value="j@example.org")
        )
        for kind in ("email", "customer_user_id")
    }
    by_address, by_account = (records_in(matched(effects)) for effects in same.values())
    assert by_address == by_account != []


def test_a_hashed_identity_matches_nobody() -> None:
    identity = {"identity_type": "gaid", "identity_value": "f" * 64, "identity_format": "sha256"}
    effects = intake("privacy-requests", request(**identity))
    assert records_in(matched(effects)) == []
    assert records_in(journeyed(effects)) == []
    assert len(rows(effects, "privacy-rows")) == 1
    assert settled(effects) == [("privacy-requests", "decided", [0])]


# --- sites ----------------------------------------------------------------------------------------


def test_a_site_is_told_how_much_it_showed() -> None:
    fields = event(
        "touchpoint", touch_type="click", touch_id="t", media_source="north", site_id="s"
    )
    reported = intake("touchpoints", fields).messages["sites", 0]
    records = [
        one for message in reported for one in site_frames.decode(message.value or b"").records
    ]
    assert [(one.clicks, one.impressions) for one in records if isinstance(one, SiteTouches)] == [
        (1, 0)
    ]
