"""The rows of every table that are about a person, and how each table knows the person.

Every table is here: either with the condition that finds rows in it, or with the reason why none of
its rows is about anybody. A test holds both lists against the schema.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from streams.operations.explain.rows import Row
from streams.operations.privacy.person import Person
from streams.store.base import SqlValue, Store
from streams.store.erasure.anonymous_ids import booking_base
from streams.store.tables import TABLES

NAMES_NOBODY: Mapping[str, str] = {
    "spend": "spending of campaigns",
    "rates": "exchange rates",
    "postback_rows": "reports of Apple, which name no device and no install",
    "dropped_fields": "names of fields, and where in the log they were met",
    "freshness": "how far the log was read",
    "model_versions": "versions of models; those that predictions used are beside the predictions",
    "model_contents": "weights of models, learned from everybody",
    "experiment_orders": "what was ordered of experiments, over everybody",
    "model_quality": "how good models were, over everybody",
    "reliability": "how good models were, over everybody",
    "drift_alarms": "changes in what everybody does",
}
"""Tables none of whose rows is about anybody, and what they hold."""

BY_INSTALL = (
    *("attributions", "credits", "fraud_verdicts", "active_days", "milestones"),
    *("features", "predictions", "revenue", "assignments", "experiment_exposures"),
)
"""Tables that name the install in every row."""

_BY_ID = ("referrer", "click_id", "device_id")
"""Matches that no other device can have by chance."""
_OF_APP = "app_id = {app}"
_PREDICTED_BY = """
SELECT DISTINCT model, version, state, reason, figures, learned_at FROM model_versions
WHERE version IN {versions} ORDER BY version, learned_at
"""
_REPEATS = """
SELECT repeat_ids[place] AS event_id, repeats_of[place] AS repeats, source_topic,
    source_partition, repeat_offsets[place] AS source_offset
FROM (SELECT * FROM ledger WHERE disposition = 'duplicate'
    AND arrayExists(one -> one IN {names}, arrayConcat(repeat_ids, repeats_of)))
ARRAY JOIN arrayEnumerate(repeat_ids) AS place
WHERE event_id IN {names} OR repeats IN {names}
ORDER BY source_topic, source_partition, source_offset
"""
_MONEY_NAMES = f"""
SELECT DISTINCT arrayJoin([money_id, transaction_id, {booking_base("booking_id")}])
FROM revenue WHERE {_OF_APP} AND install_id IN {{installs}}
"""


class Held(NamedTuple):
    """What one table holds about the person."""

    table: str
    found_by: str  # in words
    rows: list[Row]


def held_rows(store: Store, person: Person) -> Iterator[Held]:
    """Every table that has a condition, in the order in which each finds what it looks for."""
    of_install: dict[str, list[Row]] = {}
    for table in BY_INSTALL:
        rows = _rows(store, table, "install_id IN {installs}", person) if person.installs else []
        of_install[table] = rows
        yield Held(table, "the installs of the person", rows)
    touches = _touches(store, person, of_install["attributions"])
    yield Held("touches", "the devices of the person, and the touchpoints of decisions", touches)
    paths = _path_ids(person, touches)
    yield Held(
        "exposures",
        "the devices of the person, where they were sampled",
        _rows(store, "exposures", "path_id IN {paths}", person, paths=paths) if paths else [],
    )
    money = _money_names(store, person)
    yield Held(
        "parked",
        "the installs and payments of the person",
        _parked(store, person, money),
    )
    names = sorted({*_event_ids(of_install, touches), *money, *person.installs})
    repeats = query_dicts(store, _REPEATS, {"names": names}) if names else []
    yield Held("ledger", "events that were sent again", repeats)
    requests = _rows(
        store,
        "privacy_rows",
        "subject_request_id = {request} OR arrayExists(one -> one IN {identities}, identity_keys)",
        person,
        request=person.request_id,
        identities=list(person.identities) or ["none"],
    )
    yield Held("privacy_rows", "the identities of the request", requests)
    of_requests = sorted({row["subject_request_id"] for row in requests}) or [person.request_id]
    yield Held(
        "privacy_receipts",
        "the requests of the person",
        _rows(store, "privacy_receipts", "subject_request_id IN {ids}", person, ids=of_requests),
    )


def versions_behind(store: Store, predictions: Iterable[Row]) -> list[Row]:
    """The model versions that made these predictions."""
    versions = sorted(
        {str(row[name]) for row in predictions for name in ("model_version", "value_version")}
        - {""}
    )
    return query_dicts(store, _PREDICTED_BY, {"versions": versions}) if versions else []


def query_dicts(store: Store, sql: str, params: Mapping[str, SqlValue]) -> list[Row]:
    """The rows of a query, with the names of their columns."""
    answer = store.query(sql, params)
    return [dict(zip(answer.names, row, strict=True)) for row in answer.rows]


def _rows(
    store: Store, table: str, condition: str, person: Person, **params: SqlValue
) -> list[Row]:
    columns = ", ".join(column.name for column in TABLES[table].all_columns)
    sql = (
        f"SELECT {columns}, inserted_at FROM {table} WHERE {_OF_APP} AND ({condition})"
        " ORDER BY log_epoch, log_partition, log_offset"
    )
    known: dict[str, SqlValue] = {"app": person.app_id, "installs": list(person.installs)}
    return query_dicts(store, sql, known | params)


def _touches(store: Store, person: Person, decisions: Sequence[Row]) -> list[Row]:
    """Touchpoints of the devices of the person, and those that decisions name.

    A touchpoint that an id of the install has matched tells another device of the person. One that
    was only considered may be of somebody else behind the same address: of those that have a
    device, only those of the person's devices are shown.
    """
    sure = {row["touch_id"] for row in decisions if row["match_type"] in _BY_ID} - {""}
    named = {row[name] for row in decisions for name in ("touch_id", "rejected_touch_id")}
    for row in decisions:
        named |= {one.get("touch_id", "") for one in json.loads(row["candidates"] or "[]")}
    matched = _rows(store, "touches", "touch_id IN {sure}", person, sure=sorted(sure) or ["none"])
    devices = sorted({*person.devices, *(row["device_key"] for row in matched)} - {""})
    return _rows(
        store,
        "touches",
        "device_key IN {devices} OR touch_id IN {sure}"
        " OR (device_key = '' AND touch_id IN {named})",
        person,
        devices=devices or ["none"],
        sure=sorted(sure) or ["none"],
        named=sorted(named - {""}) or ["none"],
    )


def _path_ids(person: Person, touches: Sequence[Row]) -> list[str]:
    """Ids that sampled paths of these devices can have: a hash of the key and of when it began."""
    begins = {_ms(row["event_time"]) for row in touches}
    return sorted(
        hashlib.sha256(f"{key}:{begin}".encode()).hexdigest()[:24]
        for key in {*person.devices, *(row["device_key"] for row in touches)}
        for begin in begins
    )


def _ms(text: str) -> int:
    at = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return round(at.timestamp() * 1000)


def _money_names(store: Store, person: Person) -> list[str]:
    found = set(person.bookings)
    if person.installs:
        params: dict[str, SqlValue] = {"app": person.app_id, "installs": list(person.installs)}
        found |= {str(name) for (name,) in store.query(_MONEY_NAMES, params).rows}
    return sorted(found - {""})


def _parked(store: Store, person: Person, money: Sequence[str]) -> list[Row]:
    conditions = []
    if money:
        conditions.append(f"{booking_base('subject_id')} IN {{money}}")
    if person.installs:
        conditions.append(
            "kind IN ('session', 'in_app_event') AND substring(subject_id, length(app_id) + 2,"
            " length(subject_id) - length(app_id) - length(event_id) - 2) IN {installs}"
        )
    if not conditions:
        return []
    condition = " OR ".join(f"({one})" for one in conditions)
    return _rows(store, "parked", condition, person, money=list(money))


def _event_ids(of_install: Mapping[str, Sequence[Row]], touches: Sequence[Row]) -> set[str]:
    rows = [row for some in of_install.values() for row in some]
    return {row["event_id"] for row in (*rows, *touches) if row.get("event_id")}
