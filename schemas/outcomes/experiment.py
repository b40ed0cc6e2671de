"""Who is in which variant of an experiment, who has met it, and what was ordered."""

from __future__ import annotations

from typing import Literal

from schemas.outcomes.outcome import Outcome
from schemas.time import EventMs, LogMs

AssignmentReason = Literal["", "holdout", "opted_out", "late"]


class Assignment(Outcome, frozen=True, kw_only=True, gc=False):
    """An install that an experiment concerns, with what was known of it then: once for each
    version of an experiment. Backends treat it as its variant and payload say."""

    assignment_id: str
    """Id of the row: app_id:experiment_id:experiment_version:install_id; a repeat keeps it."""
    experiment_id: str
    """Experiment."""
    experiment_version: int
    """Version of its definition."""
    fingerprint: str
    """Fingerprint of that definition."""
    app_id: str
    """App that was installed."""
    environment: str = "production"
    """production; test traffic is in no experiment."""
    install_id: str
    """Install that is assigned: the unit."""
    variant: str
    """Variant; empty when the install is in none."""
    variant_index: int
    """Number of the variant in the definition; 0: the control; -1: none."""
    payload: str
    """What the variant is, as JSON, for backends."""
    reason: AssignmentReason
    """Why the install is in no variant: holdout, a share of all that no experiment touches;
    opted_out; late, known only a day or more after the landmark; empty: it has one."""
    ramp_share: float
    """Share of the traffic that the ramp had reached."""
    ramp_step: int
    """How many orders had widened the ramp: a phase, in which shares stay the same."""
    landmark: str
    """Age of the install at which it was assigned."""
    assigned_at: LogMs
    """Log time of the assignment."""
    ordered_at: LogMs
    """Log time of the order that started the experiment."""
    install_time: EventMs
    country_code: str
    platform: str
    media_source: str
    """Media source that had the credit then."""
    segment: str
    """Segment of the prediction at that landmark."""
    target: str
    """What was predicted."""
    horizon: str
    """Headline horizon of the chance."""
    chance: float
    """Chance by that horizon, as predicted at that landmark; -1: none was predicted."""
    amount: float
    """Amount by the longest horizon, as predicted at that landmark, in `currency`; -1: none."""
    currency: str
    """Reporting currency of the amounts, ISO 4217."""
    paid_micros: int
    """Money known until that landmark, in millionths of `currency`."""
    tier: str
    """Tier of models that answered."""
    model_version: str
    """Version of the model that answered."""
    value_version: str
    """Version of the model of the amounts."""
    source_topic: str
    source_partition: int
    source_offset: int


class UnitExposure(Outcome, frozen=True, kw_only=True, gc=False):
    """An install has met its variant: the first time, or as it must not be. Of each experiment,
    version, install and status there is one row."""

    exposure_id: str
    """Id of the row: app_id:experiment_id:experiment_version:install_id:status; a repeat keeps
    it."""
    experiment_id: str
    """Experiment, as the event names it."""
    experiment_version: int
    """Version in which the install is assigned; 0: it is not."""
    app_id: str
    """App that was used."""
    environment: str = "production"
    """production or sandbox."""
    install_id: str
    """Install that was exposed."""
    status: Literal["first", "other_variant", "unassigned"]
    """first: from here on it is followed; other_variant: it met another one than its own;
    unassigned: it was in no variant at that log time."""
    variant: str
    """Variant that it met."""
    assigned_variant: str
    """Variant that it is in; empty: none."""
    event_id: str
    """Id of the event."""
    event_time: EventMs
    """When it met it."""
    exposed_at: LogMs
    """Log time of the event."""
    reported_time: EventMs
    time_correction: str
    source_topic: str
    source_partition: int
    source_offset: int


class OrderOutcome(Outcome, frozen=True, kw_only=True, gc=False):
    """An order about an experiment, and whether it is obeyed."""

    order_id: str
    """Id of the order; a repeat keeps it."""
    experiment_id: str
    """Experiment."""
    experiment_version: int
    """Version that the order is about; 0: unknown."""
    fingerprint: str
    """Fingerprint of its definition; empty: unknown."""
    app_id: str
    """App of the experiment."""
    kind: Literal["start", "ramp", "stop", "ship"]
    """start, ramp, stop or ship."""
    definition: str
    """Definition as it was written, TOML; with a start only."""
    layer: str
    """Layer that the experiment takes a part of; empty: unknown."""
    layer_first: float
    """Where its range in the layer begins, as a share of all units."""
    layer_end: float
    """Where that range ends."""
    ramp_share: float
    """Share of its traffic that is assigned after the order."""
    variant: str
    """Variant that is shipped; empty for other orders."""
    verdict: Literal["obeyed", "repeated", "refused"]
    """obeyed; repeated: it is so already; refused, and nothing changes."""
    refusal: str
    """Why it is refused."""
    ordered_by: str
    """Who ordered it; headwater experiment watch: the controller."""
    reason: str
    """Why, in words."""
    evidence: str
    """Figures that it rests on, as JSON; empty: none."""
    ordered_at: LogMs
    """Log time from which it holds."""
    source_topic: str
    source_partition: int
    source_offset: int
