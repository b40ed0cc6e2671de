"""What is compared of two strangers without ids: only with consent, and never in plain words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from attribution.rules.consent import ATT_AUTHORIZED
from schemas.events import Install, Touchpoint
from schemas.records import TRAITS
from streams.stages.common.pseudonyms import Pseudonyms
from streams.stages.intake.traits import event_traits, has_consent, network_key
from tests.worlds.stage_world import event

SECRET = Pseudonyms(b"secret")
YES = {"data_usage": True, "ads_personalization": True}


def touch(**fields: Any) -> Touchpoint:
    common = {"touch_type": "click", "touch_id": "t", "media_source": "north"}
    return msgspec.convert(event("touchpoint", **(common | fields)), Touchpoint)


def install(**fields: Any) -> Install:
    return msgspec.convert(event("install", install_id="i1", **fields), Install)


# --- consent --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"consent": YES}, True),
        ({"consent": {"data_usage": True}}, True),
        ({}, False),  # silence is no
        ({"consent": {}}, False),
        ({"consent": {"gdpr_applies": False}}, False),
        ({"consent": {"data_usage": False}}, False),
        ({"consent": {"data_usage": True, "ads_personalization": False}}, False),
        ({"consent": YES, "limit_ad_tracking": True}, False),
        ({"consent": YES, "platform": "android"}, True),
        ({"consent": YES, "platform": "ios", "att_status": ATT_AUTHORIZED}, True),
        ({"consent": YES, "platform": "ios", "att_status": 0}, False),
        ({"consent": YES, "platform": "ios", "att_status": 2}, False),
        ({"consent": YES, "platform": "ios"}, False),
    ],
)
def test_only_who_has_said_yes_is_compared(fields: dict[str, Any], expected: bool) -> None:
    assert has_consent(touch(**fields)) is expected
    assert has_consent(install(**fields)) is expected


# --- what is compared -----------------------------------------------------------------------------


def test_personal_values_are_pseudonyms_and_the_others_are_plain() -> None:
    reported = dict(
        zip(
            TRAITS,
            event_traits(
                touch(ip="20.1.2.3", user_agent="Browser/1", os_version="15", country_code="DE"),
                SECRET,
            ),
            strict=True,
        )
    )
    assert (reported["os_version"], reported["country_code"]) == ("15", "DE")
    for name in ("ip", "network", "user_agent"):
        assert len(reported[name]) == 32
    assert "20.1.2" not in str(reported)
    assert "Browser" not in str(reported)


def test_what_is_not_said_is_empty() -> None:
    address, network, *others = event_traits(touch(ip="20.1.2.3"), SECRET)
    assert address
    assert network
    assert others == ["", "", ""]


def test_another_installation_has_other_pseudonyms() -> None:
    event_ = touch(ip="20.1.2.3")
    assert event_traits(event_, SECRET)[:2] != event_traits(event_, Pseudonyms(b"other"))[:2]


def place(address: str) -> tuple[str, str]:
    reported = event_traits(touch(ip=address), SECRET)
    return reported[0], reported[1]


@pytest.mark.parametrize(
    ("one", "other", "same_address", "same_network"),
    [
        ("20.1.2.3", "20.1.2.3", True, True),
        ("20.1.2.3", "20.1.2.4", False, True),
        ("20.1.2.3", "20.1.3.3", False, False),
        ("2a00:1:2:3::4", "2a00:1:2:9::9", False, True),
        ("2a00:1:2:3::4", "2a00:1:3:3::4", False, False),
        ("2a00:1:2:3::4", "2A00:0001:2:3:0:0:0:4", True, True),  # written in another way
        ("::ffff:20.1.2.3", "20.1.2.3", True, True),  # an IPv4 address in the dress of IPv6
        ("::ffff:20.1.2.3", "::ffff:21.1.2.3", False, False),
    ],
)
def test_a_network_is_what_shares_the_first_bits_however_it_is_written(
    one: str, other: str, same_address: bool, same_network: bool
) -> None:
    assert (place(one)[0] == place(other)[0]) is same_address
    assert (place(one)[1] == place(other)[1]) is same_network


@pytest.mark.parametrize(
    "address",
    [
        None, "", "nowhere", "20.1.2", "20.1.2.3.4", "20.1.2.3/24", "1" * 900,
        "127.0.0.1", "::1", "0.0.0.0", "10.0.0.7", "192.168.1.9", "169.254.1.1", "fe80::1%eth0",
        "100.64.0.1", "224.0.0.1", "::ffff:10.0.0.7",
    ],
)  # fmt: skip
def test_an_address_that_is_none_or_anybodys_is_compared_with_nobody(address: str | None) -> None:
    assert event_traits(touch(ip=address), SECRET) == []


def test_a_network_is_looked_up_within_its_app_alone() -> None:
    reported = event_traits(touch(ip="20.1.2.3"), SECRET)
    assert network_key("a", reported) != network_key("b", reported)
    assert network_key("a", reported) == network_key(
        "a", event_traits(install(ip="20.1.2.99"), SECRET)
    )
