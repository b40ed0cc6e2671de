"""Clean traffic leaves no doubt who led to an install; traits agree as those of real people do."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import msgspec

from schemas.time import DAY_MS
from streams.lab.simulator import Scenario, simulate_traffic, truths
from tests.streams.lab.simulator.simulated import is_uncounted

CLEAN = replace(Scenario.standard(8_000, seed=3).clean(), tells_traits=True)
WEEK_MS = 7 * DAY_MS
Fields = dict[str, Any]


@cache
def sent(kind: str) -> list[Fields]:
    messages = (message.value for message in simulate_traffic(CLEAN) if not message.is_tick)
    read = map(msgspec.json.decode, messages)
    return [fields for fields in read if fields["type"] == kind and not is_uncounted(fields)]


def rivals(install: Fields) -> list[Fields]:
    """Touchpoints that share an id with the install and are in its windows, best first."""
    referrer = parse_qs(install.get("install_referrer", ""))
    click_id = install.get("click_id") or referrer.get("click_id", [""])[0]
    device = install.get("gaid") or install.get("idfa")
    opened = install["event_time"]
    found = [
        touch
        for touch in sent("touchpoint")
        if touch["app_id"] == install["app_id"]
        and (touch["touch_id"] == click_id or device in (touch.get("gaid"), touch.get("idfa"), ""))
        and (device or touch["touch_id"] == click_id)
        and opened - touch["event_time"] >= 0
        and opened - touch["event_time"] <= (WEEK_MS if touch["touch_type"] == "click" else DAY_MS)
    ]
    return sorted(found, key=lambda one: (one["touch_type"] == "click", one["event_time"]))[::-1]


def test_in_clean_traffic_nothing_outranks_what_led_to_an_install() -> None:
    truth_of = {truth.install_id: truth for truth in truths(CLEAN)}
    credited = 0
    for install in sent("install"):
        truth, found = truth_of[install["install_id"]], rivals(install)
        assert truth.fraud is None
        if truth.shares_id:
            assert found[0]["touch_id"] == truth.touch_id
            credited += 1
        elif truth.touch_id is None:
            assert not found
    assert credited > 100


def test_traffic_of_the_standard_mix_tells_no_traits() -> None:
    leaks = Counter(
        name
        for message in simulate_traffic(Scenario.standard(1_000, seed=3))
        if message.value
        for name in ("ip", "user_agent", "consent")
        if f'"{name}"'.encode() in message.value
    )
    assert not leaks


def agreeing(name: str, hours_max: float) -> float:
    """Share of installs that agree in a trait with what led to them at most so long before."""
    touches = {one["touch_id"]: one for one in sent("touchpoint")}
    cause = {truth.install_id: touches.get(truth.touch_id or "") for truth in truths(CLEAN)}
    pairs = [
        (touch, install)
        for install in sent("install")
        if (touch := cause[install["install_id"]])
        and install["event_time"] - touch["event_time"] <= hours_max * 3_600_000
        and name in install
        and name in touch
    ]
    assert len(pairs) > 30
    return sum(bool(touch[name] == install[name]) for touch, install in pairs) / len(pairs)


def test_a_network_stays_for_minutes_and_changes_over_days() -> None:
    assert agreeing("ip", 0.2) > 0.85 > agreeing("ip", 1_000) > 0.4


def test_a_device_mostly_tells_the_same() -> None:
    assert 0.9 < agreeing("os_version", 1_000) < 1.0
    assert 0.7 < agreeing("user_agent", 1_000) < 0.95


def test_strangers_share_addresses() -> None:
    people: dict[str, set[str]] = defaultdict(set)
    for touch in sent("touchpoint"):
        if device := touch.get("gaid") or touch.get("idfa"):
            people[touch["ip"]].add(device)
    assert sum(len(devices) > 20 for devices in people.values()) > 5
    assert sum(len(devices) == 1 for devices in people.values()) > 100
