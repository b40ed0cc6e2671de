"""Under which keys events are looked up."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from attribution.matching.referrer import ReferrerReader
from schemas.decode import decode
from schemas.events import Install, Touchpoint
from schemas.parts import Identity
from schemas.records import Signal
from streams.stages.common import match_keys
from streams.stages.common.pseudonyms import Pseudonyms
from tests.worlds.stage_world import event

SECRET = Pseudonyms(b"secret")


def touch(**fields: Any) -> Touchpoint:
    common = {"touch_type": "click", "touch_id": "x1", "media_source": "north"}
    return msgspec.convert(event("touchpoint", **(common | fields)), Touchpoint)


def install(**fields: Any) -> Install:
    return msgspec.convert(event("install", install_id="i1", **fields), Install)


def keys_of(touchpoint: Touchpoint) -> list[str]:
    return match_keys.touch_keys(touchpoint, match_keys.device_keys(touchpoint, SECRET))


def test_a_click_is_found_by_its_id_and_by_its_devices_and_its_id_accounts_for_it() -> None:
    keys = keys_of(touch(gaid="g", idfv="v"))
    assert keys[0] == "c:app:x1"
    assert len(keys) == 3


def test_a_view_is_found_by_its_devices_alone() -> None:
    assert keys_of(touch(touch_type="impression", gaid="g")) == match_keys.device_keys(
        touch(gaid="g"), SECRET
    )


def test_a_view_without_device_is_accounted_for_under_its_event_id() -> None:
    assert keys_of(touch(touch_type="impression")) == ["e:app:e1"]


@pytest.mark.parametrize("nobody", ["00000000-0000-0000-0000-000000000000", "0"])
def test_the_id_of_a_device_that_has_none_matches_nobody(nobody: str) -> None:
    published = msgspec.json.encode(touch(gaid=nobody))
    decoded = decode(published, "touchpoints", touch().event_time, 0)
    assert isinstance(decoded, Touchpoint)
    assert match_keys.device_keys(decoded, SECRET) == []


def test_personal_ids_show_in_keys_only_as_keyed_pseudonyms() -> None:
    (key,) = match_keys.device_keys(touch(gaid="secret-device"), SECRET)
    (other,) = match_keys.device_keys(touch(gaid="secret-device"), Pseudonyms(b"other"))
    assert "secret-device" not in key
    assert key != other
    assert "jane" not in match_keys.account_key("app", "jane", SECRET)


def test_an_id_is_the_same_in_capitals_and_in_small_letters() -> None:
    written = "38400000-8CF0-11BD-B23E-10B96E40000D"
    for name in ("gaid", "idfa", "idfv", "oaid"):
        one = match_keys.device_keys(touch(**{name: written}), SECRET)
        assert one == match_keys.device_keys(install(**{name: written.lower()}), SECRET)
    identity = Identity(identity_type="idfa", identity_value=written)
    (key,) = one
    assert match_keys.identity_keys("app", identity, SECRET) == [key]
    assert key.endswith(match_keys.identity_pseudonym(identity, SECRET))


def test_keys_of_two_apps_never_meet() -> None:
    one, other = keys_of(touch(gaid="g")), keys_of(touch(gaid="g", app_id="app2"))
    assert not set(one) & set(other)


def lookups_of(**fields: Any) -> list[tuple[Signal, str]]:
    one = install(**fields)
    return match_keys.install_lookups(one, ReferrerReader().read(one.install_referrer), SECRET)


def test_an_install_looks_up_referrer_click_id_and_devices_in_order_of_strength() -> None:
    lookups = lookups_of(install_referrer="utm_source=x&click_id=r1", click_id="x1", gaid="g")
    assert [signal for signal, _ in lookups] == [
        Signal.REFERRER,
        Signal.CLICK_ID,
        Signal.DEVICE_ID,
    ]


def test_a_key_asked_for_by_two_signals_is_looked_up_once_under_the_stronger() -> None:
    lookups = lookups_of(install_referrer="click_id=x1", click_id="x1")
    assert lookups == [(Signal.REFERRER, "c:app:x1")]


def test_every_click_id_of_a_referrer_is_looked_up() -> None:
    lookups = lookups_of(install_referrer="gclid=g&af_tranid=a&gclid=g")
    assert lookups == [(Signal.REFERRER, "c:app:a"), (Signal.REFERRER, "c:app:g")]


@pytest.mark.parametrize("copied", ["ab+cd/ef==", "ab cd/ef==", "ab%2Bcd%2Fef%3D%3D", "ab+cd/ef"])
def test_a_click_id_is_the_same_however_often_it_was_encoded(copied: str) -> None:
    click = keys_of(touch(touch_id="ab+cd/ef=="))[0]
    assert match_keys.click_key("app", copied) == click
    assert lookups_of(install_referrer=f"click_id={copied}") == [(Signal.REFERRER, click)]


def test_advertising_revenue_and_purchases_have_keys_apart() -> None:
    assert match_keys.impression_key("app", "1") != match_keys.transaction_key("app", "1")
