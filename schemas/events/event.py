"""What every event has, and what every event of a device has."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.parts import (
    AppId,
    ClockMs,
    Consent,
    Country,
    Descriptive,
    Id,
    NormalId,
    Platform,
    Text,
)


class Event(Struct, frozen=True, kw_only=True, gc=False, tag_field="type"):
    """What every event says. `event_id` decides what is a duplicate; content never does."""

    event_id: NormalId
    app_id: AppId
    event_time: ClockMs
    schema_version: Literal[1]
    environment: Literal["production", "sandbox"] = "production"
    source: Descriptive[Literal["sdk", "s2s", "network", "store"]] = "sdk"
    sent_time: Descriptive[ClockMs] | None = None
    """When the producer sent the event, by the same clock as event_time: their distance is known
    even where the clock is wrong."""


class DeviceEvent(Event, frozen=True, kw_only=True, gc=False):
    """An event that knows something of a device. Identifiers are pseudonymised at intake."""

    gaid: Id | None = None
    idfa: Id | None = None
    idfv: Id | None = None
    oaid: Id | None = None
    ip: Descriptive[Text] | None = None
    user_agent: Descriptive[Text] | None = None
    platform: Descriptive[Platform] | None = None
    os_version: Descriptive[Text] | None = None
    device_model: Descriptive[Text] | None = None
    app_version: Descriptive[Text] | None = None
    country_code: Descriptive[Country] | None = None
    att_status: Annotated[int, Meta(ge=0, le=3)] | None = None
    limit_ad_tracking: bool | None = None
    consent: Consent | None = None
    customer_user_id: NormalId | None = None


def type_name(event_type: type[Event]) -> str:
    """The value of `type` that names this struct on the wire."""
    return str(event_type.__struct_config__.tag)
