"""Every topic: who writes it, how it is keyed, partitioned and kept.

Partition `p` of every partitioned topic belongs to the same worker, so all partitioned
topics have the same number of partitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from schemas.time import DAY_MS


class TopicKind(Enum):
    SOURCE = "source"  # written by event producers
    INTERNAL = "internal"  # written and read by the stages; the layout may change between versions
    OUTCOME = "outcome"  # read by storing and by product backends; a contract


MIB = 1_048_576


@dataclass(frozen=True, slots=True)
class Topic:
    name: str
    kind: TopicKind
    key: str
    description: str
    single_partition: bool = False
    compacted: bool = False
    retention_ms: int = 7 * DAY_MS  # ignored when compacted
    message_bytes_max: int = MIB


def _source(name: str, key: str, description: str) -> Topic:
    # Room above the 1 MiB that intake accepts, so that a larger message becomes a dead letter.
    return Topic(
        name,
        TopicKind.SOURCE,
        key,
        description,
        retention_ms=30 * DAY_MS,
        message_bytes_max=2 * MIB,
    )


def _outcome(name: str, key: str, description: str) -> Topic:
    return Topic(name, TopicKind.OUTCOME, key, description)


def _changelog(stage: str, *, single_partition: bool = False) -> Topic:
    return Topic(
        changelog_of(stage),
        TopicKind.INTERNAL,
        "state key",
        f"Latest state of every key of the {stage} stage.",
        single_partition=single_partition,
        compacted=True,
    )


def changelog_of(stage: str) -> str:
    return f"{stage}-changelog"


TOUCHPOINTS = _source("touchpoints", "touch_id or device id", "Ad clicks and impressions.")
INSTALLS = _source("installs", "install_id", "First opens.")
ACTIVITY = _source("activity", "install_id", "Sessions, in-app events, exposures.")
PAYMENTS = _source("payments", "install_id", "Purchases, subscriptions, refunds, ad revenue.")
COSTS = _source("costs", "campaign_id", "Spend and exchange rates, restated or not; orders.")
POSTBACKS = _source("postbacks", "none", "SKAdNetwork and AdAttributionKit postbacks.")
PRIVACY_REQUESTS = _source("privacy-requests", "none", "Erasure, access and opt-out requests.")

MATCH = Topic("match", TopicKind.INTERNAL, "none (frames)", "Records by match key.")
JOURNEYS = Topic("journeys", TopicKind.INTERNAL, "none (frames)", "Records by install_id.")
SITES = Topic("sites", TopicKind.INTERNAL, "none (frames)", "Touchpoints and installs by site.")
EXAMPLES = Topic(
    "examples",
    TopicKind.INTERNAL,
    "none (frames)",
    "Labelled examples, in learning order.",
    single_partition=True,
)
MODEL_SNAPSHOTS = Topic(
    "model-snapshots",
    TopicKind.INTERNAL,
    "model/version/chunk",
    "Read-only model copies.",
    single_partition=True,
    compacted=True,
)
RULE_SETS = Topic(
    "rule-sets",
    TopicKind.INTERNAL,
    "order or start",
    "Which attribution rules are in force.",
    single_partition=True,
    compacted=True,
)
SOURCE_LOGS = Topic(
    "source-logs",
    TopicKind.INTERNAL,
    "source topic and its id",
    "Which logs the source topics have had.",
    single_partition=True,
    compacted=True,
)

TOUCHES = _outcome("touches", "event_id", "Accepted touchpoints, ids pseudonymised.")
ATTRIBUTIONS = _outcome("attributions", "install_id", "Versioned attribution decisions.")
REVENUE = _outcome("revenue", "install_id", "Signed money bookings per install.")
FEATURES = _outcome("features", "install_id", "Features frozen at a landmark.")
PREDICTIONS = _outcome("predictions", "install_id", "Payer probabilities at a landmark.")
ASSIGNMENTS = _outcome("assignments", "install_id", "Who is in which variant of an experiment.")
EXPERIMENT_EXPOSURES = _outcome(
    "experiment-exposures", "install_id", "Who has met the variant of an experiment."
)
EXPERIMENT_ORDERS = _outcome(
    "experiment-orders", "experiment_id", "Orders about experiments, obeyed or refused."
)
FRAUD_VERDICTS = _outcome("fraud-verdicts", "install_id", "What looks like fraud, and why.")
CREDITS = _outcome("credits", "install_id", "Shares of the credit of an install by every method.")
EXPOSURES = _outcome("exposures", "path_id", "Sampled paths of touchpoints, installed or not.")
RATES = _outcome("rates", "currencies", "Exchange rates; a higher revision replaces.")
ACTIVE_DAYS = _outcome("active-days", "install_id", "Days on which installs were active.")
MILESTONES = _outcome("milestones", "install_id", "First event of each name of an install.")
SPEND = _outcome("spend", "campaign_id", "Accepted cost reports.")
POSTBACK_ROWS = _outcome("postback-rows", "postback_id", "Checked postbacks, aggregate only.")
PRIVACY_ROWS = _outcome("privacy-rows", "subject_request_id", "Accepted privacy requests.")
PRIVACY_RECEIPTS = _outcome(
    "privacy-receipts", "subject_request_id", "What an erasure request found in each place."
)
PARKED = _outcome("parked", "transaction_id or event_id", "Waiting for a link, or expired.")
LEDGER = _outcome("ledger", "source topic-partition", "What became of every source offset.")
DEAD_LETTERS = Topic(
    "dead-letters",
    TopicKind.OUTCOME,
    "none",
    "Unreadable messages with their original bytes in base64.",
    message_bytes_max=4 * MIB,
)
QUARANTINED = Topic(
    "quarantined",
    TopicKind.OUTCOME,
    "none",
    "What made a stage raise, with its original bytes in base64.",
    message_bytes_max=4 * MIB,
)
DROPPED_FIELDS = _outcome("dropped-fields", "app_id", "Fields that events were read without.")
FRESHNESS = _outcome("freshness", "stage", "Stage time of every stage partition.")

MODEL_VERSIONS = _outcome("model-versions", "model", "What became of every version of a model.")
MODEL_CONTENTS = _outcome("model-contents", "version", "Models as they score, in parts.")

MODEL_QUALITY = _outcome("model-quality", "target", "How good predictions were, as labels mature.")
RELIABILITY = _outcome("reliability", "target", "How often predictions of a chance came true.")
DRIFT_ALARMS = _outcome("drift-alarms", "target", "What changed in residuals and features.")

MATCHING_CHANGELOG = _changelog("matching")
JOURNEYS_CHANGELOG = _changelog("journeys")
SITES_CHANGELOG = _changelog("sites")
LEARNING_CHANGELOG = _changelog("learning", single_partition=True)

MODEL_MARKER_KEY = b"marker"
"""Key of the frames on `journeys` that hold a model marker, so that readers can look ahead."""

SOURCES = (TOUCHPOINTS, INSTALLS, ACTIVITY, PAYMENTS, COSTS, POSTBACKS, PRIVACY_REQUESTS)
OUTCOMES = (
    TOUCHES,
    ATTRIBUTIONS,
    FRAUD_VERDICTS,
    CREDITS,
    EXPOSURES,
    REVENUE,
    FEATURES,
    PREDICTIONS,
    ASSIGNMENTS,
    EXPERIMENT_EXPOSURES,
    EXPERIMENT_ORDERS,
    ACTIVE_DAYS,
    MILESTONES,
    SPEND,
    RATES,
    POSTBACK_ROWS,
    PRIVACY_ROWS,
    PRIVACY_RECEIPTS,
    PARKED,
    LEDGER,
    DEAD_LETTERS,
    QUARANTINED,
    DROPPED_FIELDS,
    FRESHNESS,
    MODEL_VERSIONS,
    MODEL_CONTENTS,
    MODEL_QUALITY,
    RELIABILITY,
    DRIFT_ALARMS,
)
INTERNAL = (
    MATCH,
    JOURNEYS,
    SITES,
    EXAMPLES,
    MODEL_SNAPSHOTS,
    RULE_SETS,
    SOURCE_LOGS,
    MATCHING_CHANGELOG,
    JOURNEYS_CHANGELOG,
    SITES_CHANGELOG,
    LEARNING_CHANGELOG,
)
ALL = (*SOURCES, *INTERNAL, *OUTCOMES)
BY_NAME = {topic.name: topic for topic in ALL}
