"""What users do in an app."""

from __future__ import annotations

from schemas.events.event import DeviceEvent
from schemas.parts import (
    Count,
    Id,
    LongText,
)


class Session(DeviceEvent, frozen=True, kw_only=True, gc=False, tag="session"):
    install_id: Id
    session_id: Id
    duration_ms: Count | None = None
    deeplink_url: LongText | None = None
    touch_id: Id | None = None


class InAppEvent(DeviceEvent, frozen=True, kw_only=True, gc=False, tag="in_app_event"):
    install_id: Id
    name: Id
    value_json: LongText | None = None
