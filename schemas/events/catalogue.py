"""Every event type, and the topic that carries it."""

from __future__ import annotations

from schemas import topics
from schemas.events.activity import InAppEvent, Session
from schemas.events.event import type_name
from schemas.events.experiment import ExperimentExposure, ExperimentOrder
from schemas.events.install import Install
from schemas.events.payment import AdRevenue, Purchase, Refund, Subscription
from schemas.events.report import AakPostback, Cost, ExchangeRate, PrivacyRequest, SkanPostback
from schemas.events.touchpoint import Touchpoint

InputEvent = (
    Touchpoint
    | Install
    | Session
    | InAppEvent
    | Purchase
    | Subscription
    | Refund
    | AdRevenue
    | Cost
    | ExchangeRate
    | SkanPostback
    | AakPostback
    | PrivacyRequest
    | ExperimentExposure
    | ExperimentOrder
)

TYPES_BY_TOPIC: dict[str, tuple[type[InputEvent], ...]] = {
    topics.TOUCHPOINTS.name: (Touchpoint,),
    topics.INSTALLS.name: (Install,),
    topics.ACTIVITY.name: (Session, InAppEvent, ExperimentExposure),
    topics.PAYMENTS.name: (Purchase, Subscription, Refund, AdRevenue),
    topics.COSTS.name: (Cost, ExchangeRate, ExperimentOrder),
    topics.POSTBACKS.name: (SkanPostback, AakPostback),
    topics.PRIVACY_REQUESTS.name: (PrivacyRequest,),
}


TYPES: dict[tuple[str, int], type[InputEvent]] = {
    (type_name(event_type), 1): event_type
    for event_types in TYPES_BY_TOPIC.values()
    for event_type in event_types
}

TOPIC_OF_TYPE: dict[type[InputEvent], str] = {
    event_type: topic for topic, event_types in TYPES_BY_TOPIC.items() for event_type in event_types
}
