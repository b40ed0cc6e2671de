"""Input events, as producers publish them: JSON objects, typed and versioned by `type`.

Times named `*_time` are integer milliseconds since 1970 in UTC; `*_s` are integer seconds.
Money is integer micros of the currency unit (1.99 USD = 1_990_000), never a float.
Vocabulary: AppsFlyer raw data, Adjust callbacks, Play Install Referrer, SKAdNetwork 4,
AdAttributionKit, OpenDSR.
"""

from __future__ import annotations

from schemas.events.activity import InAppEvent, Session
from schemas.events.catalogue import TOPIC_OF_TYPE, TYPES, TYPES_BY_TOPIC, InputEvent
from schemas.events.event import DeviceEvent, Event, type_name
from schemas.events.experiment import ExperimentExposure, ExperimentOrder
from schemas.events.install import AdServices, Install
from schemas.events.payment import (
    AdRevenue,
    PaymentEvent,
    Purchase,
    Refund,
    StoreTransaction,
    Subscription,
)
from schemas.events.report import AakPostback, Cost, ExchangeRate, PrivacyRequest, SkanPostback
from schemas.events.touchpoint import Touchpoint

__all__ = [
    "TOPIC_OF_TYPE",
    "TYPES",
    "TYPES_BY_TOPIC",
    "AakPostback",
    "AdRevenue",
    "AdServices",
    "Cost",
    "DeviceEvent",
    "Event",
    "ExchangeRate",
    "ExperimentExposure",
    "ExperimentOrder",
    "InAppEvent",
    "InputEvent",
    "Install",
    "PaymentEvent",
    "PrivacyRequest",
    "Purchase",
    "Refund",
    "Session",
    "SkanPostback",
    "StoreTransaction",
    "Subscription",
    "Touchpoint",
    "type_name",
]
