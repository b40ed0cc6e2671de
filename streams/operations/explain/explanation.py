"""What became of an install, an event, a payment or a message, out of what is stored."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from schemas import topics
from streams.operations.explain.chance_reasons import ChanceReasons
from streams.settings import Settings
from streams.store.base import SqlValue, Store
from streams.wiring.parts import scoring_rules
from streams.wiring.store import stored

ROWS_MAX = 200  # of each kind; somebody with more is not read by a person
_SOURCES = "|".join(re.escape(topic.name) for topic in topics.SOURCES)
_POSITION = re.compile(rf"({_SOURCES}):(\d+):(\d+)")

_BESIDE_DECISION = (
    "conversion_id",
    "install_id",
    "version",
    "supersedes",
    "reason",
    "candidates",
    "rule_set",
    "model_version",
    "decided_at",
)

Row = dict[str, Any]

_DECISIONS = """
SELECT conversion_id, install_id, event_id, version, supersedes, reason, conversion_type, status,
    app_id, platform, country_code, install_time, conversion_time, expires_at,
    prior_install_id, media_source, channel, campaign_id, campaign_name, site_id, touch_id,
    touch_type, touch_time, ctit_s, match_type, match_confidence, click_window_s, view_window_s,
    probabilistic_click_window_s, probabilistic_view_window_s, reattribution_window_s,
    inactivity_s, fraud_status, fraud_reason, rejected_media_source, rejected_campaign_id,
    rejected_touch_id, rejected_reason, contributors, rule_set, model_version, candidates,
    decided_at
FROM attributions WHERE install_id = {id}
ORDER BY conversion_id != install_id, conversion_time, conversion_id, version
LIMIT 1 BY conversion_id, version
"""
_FRAUD = """
SELECT stage, reason, sub_reason, value, mode, touch_id, media_source, campaign_id, site_id,
    real_source, decided_at
FROM fraud_verdicts WHERE install_id = {id} ORDER BY decided_at, verdict_id LIMIT 1 BY verdict_id
"""
_CREDITS = """
SELECT conversion_id, version, method, model_version, shares
FROM v_credits WHERE install_id = {id}
ORDER BY conversion_id, method
"""
_REVENUE = """
SELECT booking_id, kind, is_relink, amount_micros, currency, product_id, transaction_id, event_time,
    install_id, source_topic, source_partition, source_offset
FROM revenue WHERE install_id = {id} OR transaction_id = {id} OR money_id = {id}
ORDER BY event_time, booking_id LIMIT 1 BY booking_id
"""
_PREDICTIONS = """
SELECT target, landmark, landmark_time, horizon, probability, chances, amounts, currency,
    is_extrapolated, value_version, segment, tier, tier_reason, arm, model_version, shadow
FROM predictions WHERE install_id = {id}
ORDER BY landmark_time, landmark, target LIMIT 1 BY prediction_id
"""
_PARKED = """
SELECT subject_id, state, waits_for, kind, amount_micros, currency, deadline, source_topic,
    source_partition, source_offset
FROM parked
WHERE subject_id = {id} OR endsWith(subject_id, {tail}) OR startsWith(subject_id, {head})
    OR position(subject_id, {middle}) > 0
ORDER BY subject_id, log_offset LIMIT 1 BY parked_id
"""
_EVENTS = """
SELECT 'touches' AS table, event_id, touch_id AS other_id, source_topic, source_partition,
    source_offset
FROM touches WHERE event_id = {id} OR touch_id = {id}
UNION ALL SELECT 'spend', event_id, spend_id, source_topic, source_partition, source_offset
FROM spend WHERE event_id = {id}
UNION ALL SELECT 'rates', event_id, rate_id, source_topic, source_partition, source_offset
FROM rates WHERE event_id = {id}
UNION ALL SELECT 'postback_rows', event_id, postback_id, source_topic, source_partition,
    source_offset
FROM postback_rows WHERE event_id = {id} OR postback_id = {id} OR transaction_id = {id}
UNION ALL SELECT 'privacy_rows', subject_request_id, '', source_topic, source_partition,
    source_offset
FROM privacy_rows WHERE subject_request_id = {id}
"""
_POSTBACKS = """
SELECT postback_id, event_id, app_id, framework, version, ad_network_id, transaction_id,
    sequence_index, did_win, conversion_type, conversion_value, coarse_value, conversion_state,
    conversion_events, signature_state, signature_reason, key_id, event_time
FROM postback_rows WHERE event_id = {id} OR postback_id = {id} OR transaction_id = {id}
ORDER BY event_time, event_id, log_offset LIMIT 1 BY event_id
"""
_DEAD_LETTERS = """
SELECT reason, detail, source_topic, source_partition, source_offset, received_at,
    left(base64Decode(payload), 300) AS payload_begins
FROM dead_letters
WHERE position(base64Decode(payload), {quoted}) > 0
ORDER BY source_topic, source_partition, source_offset
"""
_DEAD_LETTER_AT = """
SELECT reason, detail, source_topic, source_partition, source_offset, received_at,
    left(base64Decode(payload), 300) AS payload_begins
FROM dead_letters
WHERE source_topic = {topic} AND source_partition = {partition} AND source_offset = {offset}
"""
_CONSIDERED = """
SELECT DISTINCT install_id FROM attributions
WHERE install_id = {id} OR event_id = {id} OR conversion_id = {id} OR touch_id = {id}
    OR rejected_touch_id = {id} OR position(candidates, {named}) > 0
ORDER BY install_id
"""
_FATE = """
SELECT disposition, epoch FROM v_accounting
WHERE source_topic = {topic} AND source_partition = {partition} AND source_offset = {offset}
"""


@dataclass(frozen=True, slots=True)
class Explanation:
    identifier: str
    installs: list[Row] = field(default_factory=list)  # with decisions, revenue, and so on
    events: list[Row] = field(default_factory=list)
    parked: list[Row] = field(default_factory=list)
    postbacks: list[Row] = field(default_factory=list)
    dead_letters: list[Row] = field(default_factory=list)

    @property
    def is_known(self) -> bool:
        return bool(
            self.installs or self.events or self.parked or self.postbacks or self.dead_letters
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.identifier,
            "known": self.is_known,
            "versions": versions(self.installs),
            "installs": self.installs,
            "events": self.events,
            "parked": self.parked,
            "postbacks": self.postbacks,
            "dead_letters": self.dead_letters,
        }


def explain_id(settings: Settings, identifier: str) -> Explanation:
    """Look `identifier` up as install, event, touchpoint, transaction and place in the log."""
    targets = scoring_rules(settings.models).targets
    with stored(settings) as store:
        place = _POSITION.fullmatch(identifier)
        if place:
            topic, partition, offset = place[1], int(place[2]), int(place[3])
            return _at(store, identifier, topic, partition, offset)
        return _of(store, ChanceReasons(store, targets), identifier)


def _at(store: Store, identifier: str, topic: str, partition: int, offset: int) -> Explanation:
    params: dict[str, SqlValue] = {"topic": topic, "partition": partition, "offset": offset}
    fates = [
        {"source_topic": topic, "source_partition": partition, "source_offset": offset, **fate}
        for fate in _rows(store, _FATE, params)
    ]
    return Explanation(identifier, events=fates, dead_letters=_rows(store, _DEAD_LETTER_AT, params))


def _of(store: Store, reasons: ChanceReasons, identifier: str) -> Explanation:
    params: dict[str, SqlValue] = {
        "id": identifier,
        "head": f"{identifier}:",
        "tail": f":{identifier}",
        "middle": f":{identifier}:",
        "quoted": f'"{identifier}"',
        "named": f'_id":"{identifier}"',
    }
    revenue = _rows(store, _REVENUE, params)
    installs = {row["install_id"] for row in revenue}
    installs |= {row["install_id"] for row in _rows(store, _CONSIDERED, params)}
    events = [{**row, **_fate(store, row)} for row in _rows(store, _EVENTS, params)]
    parked = [{**row, **_fate(store, row)} for row in _rows(store, _PARKED, params)]
    return Explanation(
        identifier,
        [_install(store, reasons, install_id) for install_id in sorted(installs)],
        events,
        parked,
        _rows(store, _POSTBACKS, params),
        _rows(store, _DEAD_LETTERS, params),
    )


def _install(store: Store, reasons: ChanceReasons, install_id: str) -> Row:
    params: dict[str, SqlValue] = {"id": install_id}
    decisions = _rows(store, _DECISIONS, params)
    for decision in decisions:
        for name in ("candidates", "contributors"):
            decision[name] = orjson.loads(decision[name] or "[]")
    revenue = [{**row, **_fate(store, row)} for row in _rows(store, _REVENUE, params)]
    return {
        "install_id": install_id,
        "decisions": decisions,
        "fraud": _rows(store, _FRAUD, params),
        "credits": _rows(store, _CREDITS, params),
        "revenue": revenue,
        "predictions": reasons.told(install_id, _rows(store, _PREDICTIONS, params)),
    }


def versions(installs: Sequence[Row]) -> list[Row]:
    """Every version of every decision: what it replaced, why, and what it looked at.

    The install's own come first, then those of its re-engagements, each in order.
    """
    return [_version(decision) for install in installs for decision in install["decisions"]]


def _version(decision: Row) -> Row:
    beside = {name: decision[name] for name in _BESIDE_DECISION}
    said = {name: value for name, value in decision.items() if name not in _BESIDE_DECISION}
    return beside | {"decision": said}


def _fate(store: Store, row: Mapping[str, Any]) -> Row:
    params: dict[str, SqlValue] = {
        "topic": row["source_topic"],
        "partition": int(row["source_partition"]),
        "offset": int(row["source_offset"]),
    }
    found = _rows(store, _FATE, params)
    return {"disposition": found[-1]["disposition"] if found else "not in the ledger yet"}


def _rows(store: Store, sql: str, params: Mapping[str, SqlValue]) -> list[Row]:
    answer = store.query(f"SELECT * FROM ({sql}) LIMIT {ROWS_MAX}", params)
    return [dict(zip(answer.names, row, strict=True)) for row in answer.rows]
