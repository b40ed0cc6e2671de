"""What became of an install, an event, a payment or a message, from the stored rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from schemas import topics
from schemas.ids import normal_id
from streams.operations.explain import queries
from streams.operations.explain.chance_reasons import ChanceReasons
from streams.operations.explain.event_rows import (
    event_at,
    events_of,
    refused_events,
    waiting_events,
)
from streams.operations.explain.rows import Row, query_rows
from streams.settings import Settings
from streams.store.base import SqlValue, Store
from streams.wiring.parts import scoring_rules
from streams.wiring.store import stored

_SOURCES = "|".join(re.escape(topic.name) for topic in topics.SOURCES)
_POSITION = re.compile(rf"({_SOURCES}):(\d+):(\d+)")

_VERSION_COLUMNS = (
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


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is stored about an identifier. Rows have the columns of `queries`."""

    identifier: str
    installs: list[Row] = field(default_factory=list)  # with their decisions, revenue, predictions
    events: list[Row] = field(default_factory=list)
    parked: list[Row] = field(default_factory=list)
    postbacks: list[Row] = field(default_factory=list)
    dead_letters: list[Row] = field(default_factory=list)
    quarantined: list[Row] = field(default_factory=list)  # what the keys of the id lack

    @property
    def is_known(self) -> bool:
        set_aside = self.dead_letters or self.quarantined
        return bool(self.installs or self.events or self.parked or self.postbacks or set_aside)

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
            "quarantined": self.quarantined,
        }


def explain_id(settings: Settings, identifier: str, app: str = "") -> Explanation:
    """Look an id up as install, event, touchpoint and transaction, or a TOPIC:PARTITION:OFFSET.

    Ids are unique within an app: `app` names it where several use the same; empty: all of them.
    Raises Stop when the store cannot be opened or is not migrated.
    """
    with stored(settings) as store:
        return explain_in(store, settings, identifier, app)


def explain_in(store: Store, settings: Settings, identifier: str, app: str = "") -> Explanation:
    """The same in a store that is open."""
    position = _POSITION.fullmatch(identifier)
    if position:
        topic, partition, offset = position[1], int(position[2]), int(position[3])
        return _of_position(store, identifier, topic, partition, offset)
    reasons = ChanceReasons(store, scoring_rules(settings.models).targets)
    found = _of_id(store, reasons, identifier, app)
    if found.is_known or (normal := normal_id(identifier)) == identifier:
        return found
    return replace(_of_id(store, reasons, normal, app), identifier=identifier)


def explain_installs(
    store: Store, settings: Settings, app_id: str, installs: Iterable[str]
) -> list[Explanation]:
    """The same for installs of one app, in a store that is open."""
    reasons = ChanceReasons(store, scoring_rules(settings.models).targets)
    return [_of_id(store, reasons, install_id, app_id) for install_id in installs]


def _of_position(
    store: Store, identifier: str, topic: str, partition: int, offset: int
) -> Explanation:
    params: dict[str, SqlValue] = {"topic": topic, "partition": partition, "offset": offset}
    letters = query_rows(store, queries.SELECT_DEAD_LETTER_AT, params)
    events = list(refused_events(letters)) or event_at(store, topic, partition, offset)
    quarantined = query_rows(store, queries.SELECT_QUARANTINED_AT, params)
    return Explanation(identifier, events=events, dead_letters=letters, quarantined=quarantined)


def _of_id(store: Store, reasons: ChanceReasons, identifier: str, app: str) -> Explanation:
    params: dict[str, SqlValue] = {
        "id": identifier,
        "head": f"{identifier}:",
        "tail": f":{identifier}",
        "middle": f":{identifier}:",
        "quoted": f'"{identifier}"',
        "named": f'_id":"{identifier}"',
    }

    def of_app(sql: str) -> list[Row]:
        rows = query_rows(store, sql, params)
        return [row for row in rows if not app or row["app_id"] in ("", app)]

    events = events_of(store, params, app)
    parked = [{**row, **_disposition(store, row)} for row in of_app(queries.SELECT_PARKED)]
    letters = of_app(queries.SELECT_DEAD_LETTERS)
    events += [*waiting_events(parked, events), *refused_events(letters)]
    named = of_app(queries.SELECT_PAYERS) + of_app(queries.SELECT_CONSIDERED)
    named += [row for row in events if row.get("table") in ("attributions", "revenue")]
    installs = {(row["app_id"], row["install_id"]) for row in named}
    return Explanation(
        identifier,
        installs=[_install(store, reasons, *install) for install in sorted(installs)],
        events=events,
        parked=parked,
        postbacks=of_app(queries.SELECT_POSTBACKS),
        dead_letters=letters,
        quarantined=of_app(queries.SELECT_QUARANTINED),
    )


def _install(store: Store, reasons: ChanceReasons, app_id: str, install_id: str) -> Row:
    params: dict[str, SqlValue] = {"app": app_id, "id": install_id}
    decisions = query_rows(store, queries.SELECT_DECISIONS, params)
    for decision in decisions:
        for name in ("candidates", "contributors"):
            decision[name] = orjson.loads(decision[name] or "[]")
    revenue = [
        {**row, **_disposition(store, row)}
        for row in query_rows(store, queries.SELECT_REVENUE, params)
    ]
    return {
        "install_id": install_id,
        "decisions": decisions,
        "fraud": query_rows(store, queries.SELECT_FRAUD, params),
        "credits": query_rows(store, queries.SELECT_CREDITS, params),
        "revenue": revenue,
        "predictions": reasons.explained(
            app_id, install_id, query_rows(store, queries.SELECT_PREDICTIONS, params)
        ),
        "app_id": app_id,
    }


def versions(installs: Sequence[Row]) -> list[Row]:
    """Every version of every decision: what it replaced, why, and which touchpoints it compared.

    Per install, its own versions come first, then those of its re-engagements, each in order.
    """
    return [_version(decision) for install in installs for decision in install["decisions"]]


def _version(decision: Row) -> Row:
    version = {name: decision[name] for name in _VERSION_COLUMNS}
    rest = {name: value for name, value in decision.items() if name not in _VERSION_COLUMNS}
    return version | {"decision": rest}


def _disposition(store: Store, row: Mapping[str, Any]) -> Row:
    params: dict[str, SqlValue] = {
        "topic": row["source_topic"],
        "partition": int(row["source_partition"]),
        "offset": int(row["source_offset"]),
    }
    rows = query_rows(store, queries.SELECT_FATE, params)
    return {"disposition": rows[-1]["disposition"] if rows else "not in the ledger yet"}
