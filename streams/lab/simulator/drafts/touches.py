"""Touchpoints as ad networks would send them."""

from __future__ import annotations

from msgspec import json

from schemas import topics
from streams.lab.simulator.drafts.message_parts import (
    INSTALLER_DEVICES,
    PASSER_BY_DEVICES,
    PLATFORMS,
    Draft,
    MessageFields,
    MessageParts,
)
from streams.lab.simulator.draws import BoolColumn, IntColumn
from streams.lab.simulator.market.market import COUNTRIES
from streams.lab.simulator.market.networks import STRANGERS, network_traits
from streams.lab.simulator.people.passers_by import PassersBy


def draft_touches(parts: MessageParts, rows: IntColumn) -> list[Draft]:
    touches, installs = parts.plan.touches, parts.plan.installs
    install = touches.install[rows]
    is_ios = installs.is_ios[install]
    devices = parts.devices(INSTALLER_DEVICES, install, is_ios, touches.has_device_id[rows])
    texts = [parts.touch_id(number) for number in rows.tolist()]
    placements = touches.placement[rows]
    time, country = touches.time[rows], installs.country[install]
    traits = network_traits(parts.plan.scenario, install, time, country, is_ios)
    people = _people(country, is_ios, touches.is_click[rows], _both(devices, traits))
    return _drafts(parts, texts, time, placements, people)


def draft_passers_by(parts: MessageParts, seen: PassersBy) -> list[Draft]:
    devices = parts.devices(PASSER_BY_DEVICES, seen.device, seen.is_ios, seen.has_device_id)
    texts = [f"{parts.run}-v{number:x}" for number in seen.number.tolist()]
    person = seen.device + STRANGERS
    traits = network_traits(parts.plan.scenario, person, seen.time, seen.country, seen.is_ios)
    people = _people(seen.country, seen.is_ios, seen.is_click, _both(devices, traits))
    return _drafts(parts, texts, seen.time, seen.placement, people)


def _both(devices: list[MessageFields], traits: list[MessageFields]) -> list[MessageFields]:
    return [device | others for device, others in zip(devices, traits, strict=True)]


def _people(
    country: IntColumn, is_ios: BoolColumn, is_click: BoolColumn, devices: list[MessageFields]
) -> list[MessageFields]:
    """Who did what: country, platform, click or view, and the device if it is known."""
    codes = [one.code for one in COUNTRIES]
    rows = zip(country.tolist(), is_ios.tolist(), is_click.tolist(), devices, strict=True)
    return [
        {
            "touch_type": "click" if click else "impression",
            "platform": PLATFORMS[ios],
            "country_code": codes[where],
            **device,
        }
        for where, ios, click, device in rows
    ]


def _drafts(
    parts: MessageParts,
    texts: list[str],
    time: IntColumn,
    placement: IntColumn,
    people: list[MessageFields],
) -> list[Draft]:
    columns = zip(texts, time.tolist(), placement.tolist(), people, strict=True)
    drafts: list[Draft] = []
    for touch_id, at, where, person in columns:
        fields = {
            **parts.placements[where],
            "event_id": touch_id + "-e",
            "event_time": at,
            "touch_id": touch_id,
            **person,
        }
        drafts.append(Draft(topics.TOUCHPOINTS.name, touch_id.encode(), json.encode(fields)))
    return drafts
