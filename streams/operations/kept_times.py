"""How long everything that the product stores is kept: one table from source topic to sink.

States are forgotten by log time, of which `attribution.rules.rules` has the lengths; topics by what
`headwater migrate` asks the broker for; tables by HEADWATER_RETENTION.
"""

from __future__ import annotations

from typing import NamedTuple

from attribution.rules.rules import Rules
from schemas import topics
from schemas.time import format_duration
from schemas.topics import Topic, TopicKind
from streams.kafka.topics import wanted_topics
from streams.settings import Settings
from streams.settings.values import Retention
from streams.store.tables import TABLES
from streams.wiring.parts import attribution_rules

FOREVER = "forever"


class KeptTime(NamedTuple):
    """How long one topic, state or table keeps what it holds."""

    where: str
    """source topic, internal topic, state, outcome topic or table."""
    name: str
    holds: str
    kept: str
    """A duration, `forever`, or what ends it."""
    setting: str
    """What decides; empty: nothing that can be set here."""
    default: str


def kept_times(settings: Settings) -> list[KeptTime]:
    """Everything that is kept, in the order in which events pass it."""
    rules = attribution_rules(settings.rules, settings.rules.attribution)
    wanted = {want.name: want.config for want in wanted_topics(settings.kafka)}
    kafka = settings.kafka
    found: list[KeptTime] = []
    for kind in (TopicKind.SOURCE, TopicKind.INTERNAL, TopicKind.OUTCOME):
        prefix = kafka.topic_prefix if kind is TopicKind.SOURCE else kafka.own_prefix
        found += [
            _of_topic(topic, wanted[prefix + topic.name].get("retention.ms"))
            for topic in topics.ALL
            if topic.kind is kind
        ]
        if kind is TopicKind.INTERNAL:
            found += _states(rules)
    return found + _tables(settings.store.retention)


def kept_times_table(found: list[KeptTime]) -> str:
    """The same as a Markdown table."""
    rows = ["| where | name | holds | kept | setting | default |", "|---|---|---|---|---|---|"]
    for kept in found:
        setting = f"`{kept.setting}`" if kept.setting else ""
        cells = (kept.where, f"`{kept.name}`", kept.holds, kept.kept, setting, kept.default)
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _of_topic(topic: Topic, retention_ms: str | None) -> KeptTime:
    default = format_duration(topic.retention_ms)
    if topic.compacted:
        default = "as its states" if topic.name.endswith("-changelog") else "until replaced"
    kept = default
    if retention_ms is not None:
        kept = FOREVER if retention_ms == "-1" else format_duration(int(retention_ms))
    is_source = topic.kind is TopicKind.SOURCE
    return KeptTime(
        where=f"{topic.kind.value} topic",
        name=topic.name,
        holds=topic.description.rstrip("."),
        kept=kept,
        setting="HEADWATER_SOURCE_TIMESTAMPS" if is_source else "",
        default=default,
    )


def _states(rules: Rules) -> list[KeptTime]:
    """What the stages remember, in RocksDB and in their changelogs alike."""
    usual, late = Rules(), "HEADWATER_LATENESS"
    written = (
        ("touchpoints", "Touchpoints under their match keys", "touch_retention_ms", late),
        ("installs by device", "Installs under their device keys", "install_memory_ms", ""),
        ("transactions", "Steps of payments", "transaction_retention_ms", ""),
        ("impressions", "Ad revenue that was counted", "impression_retention_ms", ""),
        ("postbacks", "Postbacks that were seen", "postback_retention_ms", ""),
        ("parked", "Money without its install", "parking_ms", "HEADWATER_PARKING"),
        ("shared keys", "Ids that identify nobody", "shared_key_rest_ms",
         "HEADWATER_SHARED_KEY_REST"),
        ("journeys", "Installs, with money and predictions", "journey_retention_ms",
         "HEADWATER_JOURNEY_RETENTION"),
    )  # fmt: skip
    return [
        KeptTime(
            where="state",
            name=name,
            holds=holds,
            kept=format_duration(getattr(rules, rule)),
            setting=setting,
            default=format_duration(getattr(usual, rule)),
        )
        for name, holds, rule, setting in written
    ]


def _tables(retention: Retention | None) -> list[KeptTime]:
    def kept(table: str) -> str:
        days = retention.days(table) if retention is not None else Retention.FOREVER
        return f"{days}d" if days else FOREVER

    return [
        KeptTime(
            where="table",
            name=table,
            holds=f"Rows of the topic {target.topic}",
            kept=kept(table),
            setting="HEADWATER_RETENTION",
            default=FOREVER,
        )
        for table, target in TABLES.items()
    ]
