"""What users do in an app."""

from __future__ import annotations

from schemas.events.event import DeviceEvent
from schemas.parts import (
    Count,
    Descriptive,
    Id,
    LongText,
    NameText,
    NormalId,
)


class Session(DeviceEvent, frozen=True, kw_only=True, gc=False, tag="session"):
    install_id: NormalId
    session_id: Id
    duration_ms: Descriptive[Count] | None = None
    deeplink_url: Descriptive[LongText] | None = None
    touch_id: Id | None = None


class InAppEvent(DeviceEvent, frozen=True, kw_only=True, gc=False, tag="in_app_event"):
    install_id: NormalId
    name: NameText
    value_json: Descriptive[LongText] | None = None
