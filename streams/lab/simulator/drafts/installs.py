"""Installs, sessions and in-app events as the SDK in an app would send them."""

from __future__ import annotations

from urllib.parse import urlencode

from msgspec import json

from schemas import topics
from streams.lab.simulator.drafts.message_parts import (
    INSTALLER_DEVICES,
    PLATFORMS,
    Draft,
    MessageFields,
    MessageParts,
)
from streams.lab.simulator.draws import IntColumn
from streams.lab.simulator.market.market import COUNTRIES, MARKET_APPS
from streams.lab.simulator.market.networks import OS_VERSIONS, network_traits
from streams.lab.simulator.people.installs import NO_TOUCH, AccountLink
from streams.lab.simulator.people.usage import EVENT_NAMES, SESSION

_ORGANIC_REFERRER = "utm_source=google-play&utm_medium=organic"
_STORES = ("google_play", "app_store")
_TRACKING_ALLOWED = 3  # App Tracking Transparency: authorized
_TRACKING_DENIED = 2


def draft_installs(parts: MessageParts, rows: IntColumn) -> list[Draft]:
    installs = parts.plan.installs
    is_ios = installs.is_ios[rows]
    devices = parts.devices(INSTALLER_DEVICES, rows, is_ios, installs.has_device_id[rows])
    time, country = installs.time[rows], installs.country[rows]
    columns = (rows, time, installs.begin_time[rows], country)
    traits = network_traits(parts.plan.scenario, rows, time, country, is_ios)
    drafts: list[Draft] = []
    for number, at, begun, where, ios, device, traces in zip(
        *(column.tolist() for column in columns), is_ios.tolist(), devices, traits, strict=True
    ):
        install_id = parts.install_id(number)
        fields: MessageFields = {
            "type": "install",
            "schema_version": 1,
            "event_id": install_id + "-e",
            "app_id": MARKET_APPS[int(installs.app[number])].app_id,
            "event_time": at,
            "install_id": install_id,
            "platform": PLATFORMS[ios],
            "os_version": OS_VERSIONS[ios][number % 4],
            "country_code": COUNTRIES[where].code,
            "store": _STORES[ios],
            **device,
            **traces,
            **(_ios(parts, number) if ios else _android(parts, number, begun)),
        }
        if installs.account[number] == AccountLink.AT_INSTALL:
            fields["customer_user_id"] = parts.account(int(installs.account_owner[number]))
        drafts.append(Draft(topics.INSTALLS.name, install_id.encode(), json.encode(fields)))
    return drafts


def _android(parts: MessageParts, number: int, begun: int) -> MessageFields:
    """The fields of the Play Install Referrer."""
    click = int(parts.plan.causes.carried_click[number])
    if click == NO_TOUCH:
        return {"install_referrer": _ORGANIC_REFERRER, "install_begin_time_server_s": begun // 1000}
    touches = parts.plan.touches
    placement = parts.placements[int(touches.placement[click])]
    referrer = {
        "click_id": parts.touch_id(click),
        "utm_source": placement["media_source"],
        "utm_campaign": placement["campaign_name"],
    }
    return {
        "install_referrer": urlencode(referrer),
        "referrer_click_time_server_s": int(touches.time[click]) // 1000,
        "install_begin_time_server_s": begun // 1000,
    }


def _ios(parts: MessageParts, number: int) -> MessageFields:
    """A deferred deep link carries the click id; the device id needs permission."""
    allowed = bool(parts.plan.installs.has_device_id[number])
    fields: MessageFields = {"att_status": _TRACKING_ALLOWED if allowed else _TRACKING_DENIED}
    click = int(parts.plan.causes.carried_click[number])
    return fields if click == NO_TOUCH else fields | {"click_id": parts.touch_id(click)}


def draft_usage(parts: MessageParts, rows: IntColumn) -> list[Draft]:
    installs, usage = parts.plan.installs, parts.plan.usage
    install = usage.install[rows]
    columns = (
        rows,
        install,
        usage.time[rows],
        usage.name[rows],
        usage.duration_ms[rows],
        usage.tells_account[rows],
        installs.account_owner[install],
        installs.app[install],
        installs.is_ios[install],
        installs.country[install],
    )
    drafts: list[Draft] = []
    for number, who, at, name, duration, tells, owner, app, ios, where in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        install_id = parts.install_id(who)
        fields: MessageFields = {
            "event_id": f"{parts.run}-a{number:x}-e",
            "app_id": MARKET_APPS[app].app_id,
            "event_time": at,
            "schema_version": 1,
            "install_id": install_id,
            "platform": PLATFORMS[ios],
            "country_code": COUNTRIES[where].code,
            **(_session(parts, number, duration) if name == SESSION else _in_app(name, number)),
        }
        if tells:
            fields["customer_user_id"] = parts.account(owner)
        drafts.append(Draft(topics.ACTIVITY.name, install_id.encode(), json.encode(fields)))
    return drafts


def _session(parts: MessageParts, number: int, duration_ms: int) -> MessageFields:
    return {
        "type": "session",
        "session_id": f"{parts.run}-s{number:x}",
        "duration_ms": duration_ms,
    }


def _in_app(name: int, number: int) -> MessageFields:
    return {
        "type": "in_app_event",
        "name": EVENT_NAMES[name],
        "value_json": f'{{"step":{1 + number % 9}}}',
    }
