"""What Headwater says: one JSON message per outcome, one table per topic.

Every outcome has an id that is the same whenever the same thing is said again, so a reader that
sees it twice can tell. Times are milliseconds since 1970 in UTC, money is integer micros.
`source_*` is the place of the event that caused it.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, json

from schemas import topics


class Outcome(Struct, frozen=True, kw_only=True, gc=False):
    schema_version: int = 1


class TouchOutcome(Outcome, frozen=True, kw_only=True, gc=False):
    """An accepted touchpoint. Repeats of an event keep its `event_id`."""

    event_id: str
    app_id: str
    touch_id: str
    touch_type: str
    event_time: int
    received_at: int
    media_source: str
    channel: str
    campaign_id: str
    campaign_name: str
    adset_id: str
    ad_id: str
    site_id: str
    country_code: str
    platform: str
    device_key: str  # pseudonym; "" when the producer sent no device id
    cost_micros: int
    cost_currency: str
    source_topic: str
    source_partition: int
    source_offset: int


class Attribution(Outcome, frozen=True, kw_only=True, gc=False):
    """One version of the decision for one conversion: an install, or a later re-engagement of
    its user. The highest version is the current one. After an erasure ids are empty."""

    attribution_id: str  # conversion_id:version
    conversion_id: str  # install_id; of a re-engagement install_id~event_id of its touchpoint
    install_id: str
    event_id: str  # of the install
    version: int
    supersedes: int  # 0: nothing
    reason: Literal[
        "first_decision",
        "deadline",
        "late_touchpoint",
        "late_install",
        "late_activity",
        "fraud_verdict",
        "erasure",
        "rule_change",
    ]
    conversion_type: Literal["install", "reinstall", "reattribution", "reengagement"]
    status: Literal["organic", "non_organic", "reattributed", "reengaged", "withdrawn"]
    match_type: Literal["referrer", "click_id", "device_id", "adservices", "probabilistic", "none"]
    match_confidence: float  # 1 when deterministic or organic
    app_id: str
    platform: str
    country_code: str
    install_time: int
    conversion_time: int  # of the install, or of the session that re-engaged
    expires_at: int  # from here on the previous source counts again; 0: never
    prior_install_id: str  # the install this one follows on the same device; "" for a new user
    touch_id: str
    touch_type: str
    touch_time: int  # 0: organic, or unknown
    media_source: str  # "organic" when organic
    channel: str
    campaign_id: str
    campaign_name: str
    adset_id: str
    ad_id: str
    site_id: str
    ctit_s: int  # click-to-install time; -1 when organic or unknown
    click_window_s: int  # windows in force for the winner; of the app when organic
    view_window_s: int
    probabilistic_click_window_s: int  # 0: off
    probabilistic_view_window_s: int
    reattribution_window_s: int
    inactivity_s: int
    fraud_status: Literal["", "tag", "suspicious"]  # of the touchpoint with the credit
    fraud_reason: str
    rejected_media_source: str  # who would have had the credit, were it not for fraud; "" nobody
    rejected_campaign_id: str
    rejected_site_id: str
    rejected_touch_id: str
    rejected_reason: str
    contributors: str  # JSON, up to three: [{media_source, campaign_id, touch_type, touch_time, …}]
    rule_set: str
    model_version: str  # of the pair model, when the match is probabilistic
    candidates: str  # JSON receipt: [{touch_id, verdict, rule}]
    decided_at: int
    source_topic: str
    source_partition: int
    source_offset: int


class FraudVerdict(Outcome, frozen=True, kw_only=True, gc=False):
    """Something about a touchpoint of an install looks like fraud."""

    verdict_id: str  # install_id:event_id:reason, for sites also the hour of the judgement
    install_id: str
    app_id: str
    stage: Literal["realtime", "site"]  # by the install alone, or by the history of a site
    reason: str
    sub_reason: str
    value: float  # seconds, counts or a posterior probability, as the reason says
    mode: Literal["tag", "suspicious", "reject"]
    touch_id: str
    media_source: str
    campaign_id: str
    site_id: str
    real_source: str  # who has the credit instead; the same source when it was not taken away
    install_time: int
    decided_at: int


CreditMethod = Literal[
    "first", "last", "linear", "time_decay", "position", "markov", "shapley", "hazard"
]


class Credit(Outcome, frozen=True, kw_only=True, gc=False):
    """How the credit of an install is shared among channels and organic, by every method.

    Shares are rounded to six digits and sum to 1; who gets nothing is left out. The last three
    are empty while no model is in force. The highest revision is the current one.
    """

    credit_id: str  # conversion_id:revision
    conversion_id: str
    install_id: str
    revision: int  # 1, 2, … whenever other touchpoints count than before
    version: int  # of the decision by then
    app_id: str
    model_version: str  # "": none was in force
    by_first: dict[str, float]
    by_last: dict[str, float]
    by_linear: dict[str, float]
    by_time_decay: dict[str, float]
    by_position: dict[str, float]
    by_markov: dict[str, float] = {}
    by_shapley: dict[str, float] = {}
    by_hazard: dict[str, float] = {}
    install_time: int
    decided_at: int  # log time of the last evidence


class ExposureRow(Outcome, frozen=True, kw_only=True, gc=False):
    """The touchpoints of a sampled device in a window, whether it installed or not."""

    path_id: str
    app_id: str
    channels: list[str]  # in order of time
    touch_times_ms: list[int]
    begin_time: int
    end_time: int
    installed_at: int  # 0: not in this window
    weight: float  # how many devices it stands for


class RateRow(Outcome, frozen=True, kw_only=True, gc=False):
    """What one unit of `base` was worth in `quote` on a day. The highest revision counts."""

    rate_id: str  # date:base:quote
    event_id: str
    revision: int
    date: str
    base: str
    quote: str
    rate_e9: int  # billionths of a quote unit for one base unit
    rate_source: str  # who says so
    event_time: int
    source_topic: str
    source_partition: int
    source_offset: int


class Booking(Outcome, frozen=True, kw_only=True, gc=False):
    """Signed money of one install. Sums over bookings are right after any correction."""

    booking_id: str  # the money id; after a relink also which half of which move
    money_id: str  # transaction, refund or impression id
    sign: int  # 1: booked here, -1: taken from here again
    install_id: str
    app_id: str
    transaction_id: str
    kind: Literal["purchase", "subscription", "refund", "ad_revenue"]
    is_relink: bool  # one half of a signed pair that moves money between installs
    amount_micros: int
    currency: str
    product_id: str
    event_time: int
    install_time: int
    source_topic: str
    source_partition: int
    source_offset: int


class FeatureRow(Outcome, frozen=True, kw_only=True, gc=False):
    """Features of an install frozen at a landmark."""

    feature_id: str  # install_id:landmark
    install_id: str
    app_id: str
    landmark: str
    landmark_time: int
    features: dict[str, float]


class Prediction(Outcome, frozen=True, kw_only=True, gc=False):
    """What is expected of an install at a landmark: chances by horizon, or amounts for value."""

    prediction_id: str  # install_id:target:landmark
    install_id: str
    app_id: str
    media_source: str
    target: str
    landmark: str
    landmark_time: int
    horizon: str
    """That decisions look at."""
    probability: float
    """By that horizon; 0 once it has passed, and of value."""
    chances: dict[str, float]
    """By every horizon that has not passed; never falling with time."""
    amounts: dict[str, float]
    """Money expected since the install, by horizon, in the reporting currency. Told once at every
    landmark: with the first target that is still open, else in a row of target `value`."""
    currency: str
    is_extrapolated: bool
    """Whether some of the amounts rests on the growth of earlier installs alone."""
    value_version: str
    """Model of the amounts; `constant`: what was paid so far. Empty where there are none."""
    segment: str
    """What is worth doing by the declared costs and benefits; empty where none are declared."""
    tier: Literal["full", "install_only", "rates", "constant"]
    tier_reason: str
    """Why not a better tier; empty for the best."""
    arm: str
    model_version: str
    shadow: dict[str, float]
    """What every tier says at the horizon."""
    latency_ms: int
    """Log time from the landmark until the install was known at all; the store tells the rest."""
    predicted_at: int


class SpendRow(Outcome, frozen=True, kw_only=True, gc=False):
    spend_id: str  # hash of the dimensions; the highest revision counts
    event_id: str
    revision: int
    app_id: str
    date: str
    timezone: str
    media_source: str
    channel: str
    campaign_id: str
    campaign_name: str
    adset_id: str
    ad_id: str
    site_id: str
    country_code: str
    platform: str
    impressions: int
    clicks: int
    installs: int
    amount_micros: int
    currency: str
    event_time: int
    source_topic: str
    source_partition: int
    source_offset: int


class PostbackRow(Outcome, frozen=True, kw_only=True, gc=False):
    """What Apple reports of one conversion. Aggregate only: never joined to a device.

    Every copy gives a row. Only `valid` ones count, each `postback_id` once: the copy with the
    least (event_time, event_id). The rest is what unchecked senders claim.
    """

    postback_id: str  # what the signature covers; of one that is not valid a hash of its bytes
    event_id: str
    app_id: str
    framework: Literal["skadnetwork", "adattributionkit"]
    version: str  # of SKAdNetwork
    ad_network_id: str
    transaction_id: str  # AdAttributionKit: postback-identifier
    sequence_index: int  # 0: days 0-2, 1: days 3-7, 2: days 8-35; -1: not told
    store_app_id: int  # number of the advertised app in the store; -1: not told
    source_identifier: str  # 2 to 4 digits
    campaign_id: int  # before SKAdNetwork 4 instead of it, 1 to 100; -1: not told
    source_app_id: int  # app that showed the ad; -1: not told
    source_domain: str  # web site that showed the ad
    did_win: bool
    conversion_type: str  # download, redownload or re-engagement
    interaction: str  # view or click
    impression_type: str
    marketplace_id: str
    country_code: str
    conversion_value: int  # 0 to 63; -1: none
    coarse_value: str  # low, medium or high
    conversion_state: Literal["none", "decoded", "undecoded", "malformed"]
    conversion_events: list[str]  # what the value stands for
    revenue_min_micros: int
    revenue_max_micros: int
    currency: str  # "" when the value stands for no money
    conversion_schema: str  # hash of the rules that decoded the value
    unsigned_fields: list[str]  # fields above that no signature covers
    signature_state: Literal["valid", "invalid", "unverifiable"]
    signature_reason: str  # code of why it is not valid
    key_id: str  # key that the postback names, or that verified it
    body: str
    event_time: int
    source_topic: str
    source_partition: int
    source_offset: int


class PrivacyRow(Outcome, frozen=True, kw_only=True, gc=False):
    subject_request_id: str
    app_id: str
    request_type: str
    identity_types: list[str]
    identity_keys: list[str]  # pseudonyms
    submitted_time: int
    source_topic: str
    source_partition: int
    source_offset: int


class Parked(Outcome, frozen=True, kw_only=True, gc=False):
    """Something waits for its install, account or purchase; or waited in vain."""

    parked_id: str  # money or event id, and state
    subject_id: str  # booking_id or event_id
    state: Literal["parked", "released", "expired"]
    waits_for: Literal["install", "account", "purchase"]
    kind: str
    app_id: str
    amount_micros: int
    currency: str
    event_time: int
    deadline: int
    source_topic: str
    source_partition: int
    source_offset: int


Disposition = Literal["decided", "duplicate", "parked", "expired", "dead_lettered"]


class LedgerRow(Outcome, frozen=True, kw_only=True, gc=False):
    """What one checkpoint made of source offsets. An offset parked before may be settled later,
    and money that a relink moves is settled again: what the highest `move` says counts."""

    stage: str
    disposition: Disposition
    move: int = 0  # how many relinks had moved the money by then
    source_topic: str
    source_partition: int
    offsets: list[int]


class DeadLetter(Outcome, frozen=True, kw_only=True, gc=False):
    """A message set aside, whole. `payload` is base64 of its exact bytes."""

    reason: str
    detail: str
    payload: str
    key: str  # base64; "" when there was none
    received_at: int
    source_topic: str
    source_partition: int
    source_offset: int


class Freshness(Outcome, frozen=True, kw_only=True, gc=False):
    """How far the log time of a stage partition has come."""

    stage: str
    partition: int
    stage_time: int


class ModelVersion(Outcome, frozen=True, kw_only=True, gc=False):
    """Something that became of a version of a model: the highest number of a model is how it is."""

    change_id: str  # model:number
    model: str  # target, target/rates, target/challenger, value or credit
    number: int  # of the changes of this model, from 1
    version: str  # it is about; "" the model as a whole
    state: Literal[
        "published",
        "kept",
        "refused",
        "promoted",
        "lead",
        "rolled_back",
        "suspended",
        "resumed",
        "withdrawn",
        "learned_again",
        "quarantined",
        "ignored",
    ]
    live_version: str  # scores from here on; "" none: a lower tier answers
    is_held: bool  # by hand: what the gate lets pass does not go live
    contestant: str  # whose weights these are
    parent: str  # published before it
    reason: str
    figures: dict[str, float]  # the evidence; losses in nats per row
    learned_offset: int  # of the examples; it learned from nothing at or behind it
    learned_at: int  # log time of the latest of them
    command_id: str  # of the order, when somebody ordered it


class ModelContent(Outcome, frozen=True, kw_only=True, gc=False):
    """A part of a model as it scores. The parts of a version, put together in order, are
    compressed by LZ4."""

    content_id: str  # version:chunk
    model: str
    version: str
    chunk: int  # from 0
    chunks: int
    content: str  # base64


class ModelQuality(Outcome, frozen=True, kw_only=True, gc=False):
    """How good predictions of one kind were, whose labels matured between two moments of log time.
    An empty field means all of them. A figure of -1 cannot be told from these labels."""

    quality_id: str  # what it is of, its number and end_time
    target: str
    horizon: str  # "bin": one bin of the hazard by every tier; of a quarter of the rows
    landmark: str
    platform: str
    tier: str
    model_version: str
    media_source: str  # "other": sources for which there was no room
    rows: int
    predicted: float  # means: a chance or an amount, and what came
    observed: float
    log_loss: float  # in nats per row
    normalised_entropy: float  # log loss over that of the share observed
    calibration_ratio: float  # all that was expected over all that came
    ece: float
    auc: float
    normalised_gini: float  # of amounts
    decile_mape: float  # of amounts
    begin_time: int
    end_time: int


class ReliabilityRow(Outcome, frozen=True, kw_only=True, gc=False):
    """Predictions of about the same chance, and how often they came true: one of about fifteen
    bins with as many rows each, by rising chance."""

    reliability_id: str  # quality_id:bin
    quality_id: str
    target: str
    horizon: str
    landmark: str
    tier: str
    bin: int  # from 0
    lower: float
    upper: float
    rows: int
    predicted: float  # means
    observed: float
    end_time: int


class DriftAlarm(Outcome, frozen=True, kw_only=True, gc=False):
    """The mean of something watched has changed: of what a model misses, or of a feature."""

    alarm_id: str  # what is watched, number of the alarm and raised_at
    kind: Literal["residual", "feature"]
    target: str
    subject: str  # the feature; "" of a residual
    app_id: str
    media_source: str  # "" all of the app
    mean_before: float
    mean_after: float
    rows_before: int
    rows_after: int
    response: Literal["loosened", "none"]  # what the learner did
    raised_at: int  # log time


OUTCOME_OF_TOPIC: dict[str, type[Outcome]] = {
    topics.TOUCHES.name: TouchOutcome,
    topics.ATTRIBUTIONS.name: Attribution,
    topics.FRAUD_VERDICTS.name: FraudVerdict,
    topics.CREDITS.name: Credit,
    topics.EXPOSURES.name: ExposureRow,
    topics.REVENUE.name: Booking,
    topics.FEATURES.name: FeatureRow,
    topics.PREDICTIONS.name: Prediction,
    topics.SPEND.name: SpendRow,
    topics.RATES.name: RateRow,
    topics.POSTBACK_ROWS.name: PostbackRow,
    topics.PRIVACY_ROWS.name: PrivacyRow,
    topics.PARKED.name: Parked,
    topics.LEDGER.name: LedgerRow,
    topics.DEAD_LETTERS.name: DeadLetter,
    topics.FRESHNESS.name: Freshness,
    topics.MODEL_VERSIONS.name: ModelVersion,
    topics.MODEL_CONTENTS.name: ModelContent,
    topics.MODEL_QUALITY.name: ModelQuality,
    topics.RELIABILITY.name: ReliabilityRow,
    topics.DRIFT_ALARMS.name: DriftAlarm,
}

encoder = json.Encoder()
