"""Fills the list of erased ids from receipts, and from the rows of the installs that they name.

The list holds keyed hashes only, and is never emptied: what arrives later, or is replayed, is
recognised by it.
"""

from __future__ import annotations

from streams.store.erasure.anonymous_ids import AnonymousSql, booking_base, is_anonymous
from streams.store.erasure.returned import Returned
from streams.store.erasure.rewrites import IS_LISTED, KIND_OF_RECEIPT

_COLUMNS = "kind, app_id, anonymous_id, subject_request_id, until_at"


def list_statements(ids: AnonymousSql) -> list[str]:
    """The statements, each to be run after the one before; all can be run again."""
    return [
        _from_receipts(ids),
        *(_of_installs(ids, table, "install", ("conversion_id",)) for table in _WITH_LIVES),
        _of_installs(ids, "revenue", "money", _MONEY, "event_time"),
        _of_installs(ids, "revenue", "event", ("event_id",), "event_time"),
        _of_installs(ids, "attributions", "event", ("event_id",)),
        _of_installs(ids, "milestones", "event", ("event_id",)),
        _of_installs(ids, "experiment_exposures", "event", ("event_id",), "event_time"),
        _of_installs(ids, "attributions", "touch", _CREDITED),
        _touches_of_touch_ids(ids),
    ]


_WITH_LIVES = ("attributions", "active_days", "milestones")
_MONEY = (
    "transaction_id",
    "original_transaction_id",
    "money_id",
    booking_base("booking_id"),
)
_CREDITED = (
    "touch_id",
    "rejected_touch_id",
    "arrayJoin(arrayConcat([''], JSONExtract(if(candidates = '', '[]', candidates),"
    " 'Array(Tuple(touch_id String))').touch_id))",
)


def _from_receipts(ids: AnonymousSql) -> str:
    """Installs, keys and identities that an erasure names. An id that is of many people is none of
    them, nor is it where bytes of others mention it."""
    return _insert(
        f"SELECT DISTINCT {KIND_OF_RECEIPT} AS of_kind, toString(app_id) AS app,"
        f" {ids.sql('subject_key')} AS name, subject_request_id AS request, requested_at AS asked"
        f" FROM privacy_receipts WHERE {IS_LISTED}"
    )


def _of_installs(
    ids: AnonymousSql, table: str, kind: str, texts: tuple[str, ...], time: str = "install_time"
) -> str:
    """What rows of listed installs name besides the install; `time`: of the row, by which it is of
    the erased person or of who came back."""
    names = f"[{', '.join(texts)}]"
    return _insert(
        f"SELECT DISTINCT '{kind}' AS of_kind, toString(one.app_id) AS app,"
        f" {ids.sql('one.id')} AS name, two.subject_request_id AS request, two.until_at AS asked"
        f" FROM (SELECT app_id, install_id, arrayJoin({names}) AS id FROM {table}"
        f" WHERE NOT {is_anonymous('install_id')} AND {Returned(ids).before(time)}) AS one"
        f" INNER JOIN (SELECT * FROM privacy_erased WHERE kind = 'install') AS two"
        f" ON toString(two.app_id) = toString(one.app_id)"
        f" AND two.anonymous_id = {ids.sql('one.install_id')} WHERE one.id != ''"
    )


def _touches_of_touch_ids(ids: AnonymousSql) -> str:
    """The touchpoints that the decisions of erased installs name."""
    return _insert(
        "SELECT DISTINCT 'event' AS of_kind, toString(one.app_id) AS app,"
        f" {ids.sql('one.event_id')} AS name, two.subject_request_id AS request,"
        " two.until_at AS asked"
        f" FROM (SELECT * FROM touches WHERE NOT {is_anonymous('event_id')}) AS one"
        " INNER JOIN (SELECT * FROM privacy_erased WHERE kind = 'touch') AS two"
        " ON toString(two.app_id) = toString(one.app_id)"
        f" AND two.anonymous_id = {ids.sql('one.touch_id')}"
    )


def _insert(found: str) -> str:
    """Add what is not in the list yet."""
    key = "kind, toString(app_id), anonymous_id, subject_request_id, until_at"
    return (
        f"INSERT INTO privacy_erased ({_COLUMNS}) SELECT of_kind, app, name, request, asked"
        f" FROM ({found}) WHERE (of_kind, app, name, request, asked) NOT IN"
        f" (SELECT toString(kind), {key.removeprefix('kind, ')} FROM privacy_erased)"
    )
