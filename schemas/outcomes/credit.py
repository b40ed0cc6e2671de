"""Multi-touch attribution: shares of credit, and the sampled paths that they are learned from."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from schemas.outcomes.outcome import Environment, Outcome
from schemas.time import EventMs, LogMs

CreditMethod = Literal[
    "first", "last", "linear", "time_decay", "position", "markov", "shapley", "hazard"
]


class Credit(Outcome, frozen=True, kw_only=True, gc=False):
    """How every method divides the credit for an install among channels and organic.

    Shares are rounded to six digits and sum to 1; a channel without a share is left out. The
    maps by_markov and by_hazard are empty while no model is in force. The highest revision is
    current.
    """

    credit_id: str
    """Id of this revision: conversion_id:revision."""
    conversion_id: str
    """Conversion whose credit is divided: the install."""
    install_id: str
    """Install of the conversion."""
    revision: int
    """From 1, raised whenever the set of counted touchpoints changes; the highest is current."""
    version: int
    """Version of the decision at that time."""
    app_id: str
    """App that was installed."""
    model_version: str
    """Credit model in force; empty when there was none."""
    by_first: dict[str, float]
    """Share by channel: everything to the first touchpoint."""
    by_last: dict[str, float]
    """Share by channel: everything to the last touchpoint."""
    by_linear: dict[str, float]
    """Share by channel: equal parts to all touchpoints."""
    by_time_decay: dict[str, float]
    """Share by channel: more to later touchpoints, with a half-life of 7 days."""
    by_position: dict[str, float]
    """Share by channel: 40 % each to the first and the last touchpoint, the rest between them."""
    by_markov: dict[str, float] = field(default_factory=dict)
    """Share by channel, so that sums over installs are in proportion to Markov removal effects;
    empty without a model."""
    by_shapley: dict[str, float] = field(default_factory=dict)
    """Share by channel, by Shapley values of whole paths: equal parts to distinct channels."""
    by_hazard: dict[str, float] = field(default_factory=dict)
    """Share by channel, by how much each touchpoint raises the hazard (the rate of installing);
    empty without a model."""
    install_time: EventMs
    decided_at: LogMs
    """Log time of the latest evidence."""
    environment: Environment = "production"


class ExposureRow(Outcome, frozen=True, kw_only=True, gc=False):
    """The path of touchpoints of a sampled device in a period, whether it installed or not."""

    path_id: str
    """Id of the path; a repeat keeps it."""
    app_id: str
    """App that was advertised."""
    channels: list[str]
    """Channels of the touchpoints, in order of time."""
    touch_times_ms: list[int]
    """When the touchpoints happened, in the same order, in milliseconds since 1970."""
    begin_time: EventMs
    """Begin of the period."""
    end_time: EventMs
    """End of the period."""
    installed_at: EventMs
    """First open; 0 (1970-01-01): none in this period."""
    weight: float
    """How many devices this sampled one represents."""
