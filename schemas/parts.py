"""Values and small objects that input events are made of, with the bounds that make them valid."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from msgspec import Meta, Struct

from schemas.time import DAY_MS, EventMs

Attribute = TypeVar("Attribute")

IS_ID = "is_id"
IS_DESCRIPTIVE = "is_descriptive"
HAS_NORMAL_FORM = "has_normal_form"

NameText = Annotated[str, Meta(min_length=1, max_length=256)]
Id = Annotated[str, Meta(min_length=1, max_length=256, extra={IS_ID: True})]
"""An id of somebody or something. A placeholder (`schemas.ids`) is never decoded to one."""
NormalId = Annotated[
    str, Meta(min_length=1, max_length=256, extra={IS_ID: True, HAS_NORMAL_FORM: True})
]
"""An id that several producers write, each in its own form. It is decoded to `ids.normal_id`."""
APP_ID_PATTERN = r"^[^\s:]+$"
AppId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=256,
        # A constraint would cost a fifth of decoding; `schemas.leniency` checks each app once.
        extra_json_schema={"pattern": APP_ID_PATTERN},
        extra={IS_ID: True},
    ),
]
Descriptive = Annotated[Attribute, Meta(extra={IS_DESCRIPTIVE: True})]
"""An optional attribute that describes and neither identifies, pays nor decides: one that cannot be
read is left out, and the event counts."""
Platform = Literal["android", "ios", "other"]
Text = Annotated[str, Meta(max_length=1024)]
LongText = Annotated[str, Meta(max_length=16_384)]
TIME_MS_MAX = 10_413_791_999_999
"""End of 2299, the last moment that ClickHouse can store: later times would wrap silently."""
TimeMs = Annotated[EventMs, Meta(ge=0, le=TIME_MS_MAX, description="Milliseconds since 1970, UTC")]
ClockMs = Annotated[
    EventMs,
    Meta(ge=-DAY_MS, le=TIME_MS_MAX, description="Milliseconds since 1970, UTC, by any clock"),
]
"""A clock that was never set says 1970, which west of Greenwich is a few hours less than 0."""
EpochSeconds = Annotated[
    int, Meta(ge=0, le=TIME_MS_MAX // 1_000, description="Seconds since 1970, UTC; 0: unknown")
]
LOOKBACK_S_MAX = 2 * 365 * 86_400
"""A longer lookback is in milliseconds: one day of them is more."""
LookbackSeconds = Annotated[int, Meta(ge=0, le=LOOKBACK_S_MAX, description="Seconds")]
Count = Annotated[int, Meta(ge=0, le=2**31)]
MICROS_MAX = 10**15
"""Largest amount of one event, a thousand million units: what is larger was multiplied by a million
twice. Nine thousand such amounts fit in 64 bits, so sums over events are taken in wider numbers."""
Micros = Annotated[
    int,
    Meta(
        ge=-MICROS_MAX,
        le=MICROS_MAX,
        description="Millionths of the currency unit, without decimal point: 1.99 is 1990000",
    ),
]
Currency = Annotated[str, Meta(min_length=3, max_length=3, description="ISO 4217")]
Country = Annotated[str, Meta(min_length=2, max_length=2, description="ISO 3166-1 alpha-2")]
Day = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$",
        description="A day of the calendar, YYYY-MM-DD",
    ),
]
RateE9 = Annotated[
    int,
    Meta(
        ge=1,
        le=2**53,
        description="Billionths, without decimal point: a rate of 1.085 is 1085000000",
    ),
]


class Consent(Struct, frozen=True, kw_only=True, gc=False):
    gdpr_applies: bool | None = None
    data_usage: bool | None = None
    ads_personalization: bool | None = None
    ad_storage: bool | None = None


class Identity(Struct, frozen=True, kw_only=True, gc=False):
    identity_type: Literal[
        "install_id", "customer_user_id", "gaid", "idfa", "idfv", "oaid", "email"
    ]
    identity_value: Id
    identity_format: Literal["raw", "sha1", "md5", "sha256"] = "raw"
