"""Erases the stored rows of people who asked to be forgotten, and says what became of a request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from schemas import topics
from schemas.time import DAY_MS
from streams.errors import Stop
from streams.settings import Settings
from streams.stages.common.pseudonyms import is_anonymous_text
from streams.store.base import Store
from streams.store.cohorts import builds_repeated
from streams.store.erasure import ErasedRows, erase_rows
from streams.store.retention import kept_days
from streams.wiring.parts import attribution_rules
from streams.wiring.pseudonym_secret import pseudonym_secret
from streams.wiring.store import stored

_RECEIPTS = """
SELECT place, environment, subject_type, subject_key, result, detail, found, requested_at,
    request_type
FROM privacy_receipts WHERE subject_request_id = {request}
ORDER BY place = 'journeys', place, result, receipt_id LIMIT 1 BY receipt_id
"""
_REQUESTS = """
SELECT request_type, app_id, submitted_time, source_partition, source_offset
FROM privacy_rows WHERE subject_request_id = {request}
ORDER BY source_partition, source_offset LIMIT 1 BY source_partition, source_offset
"""
_STAGES = ("matching", "journeys")
_ERASED = """
SELECT kind, uniqExact(anonymous_id), min(inserted_at) FROM privacy_erased
WHERE subject_request_id = {request} GROUP BY kind ORDER BY kind
"""
_REMAINS = """
SELECT toString(toDate(min(requested_at)) + {days}) FROM privacy_receipts
WHERE subject_request_id = {request}
"""


_OF_ROWS = frozenset({"event", "money", "touch"})
"""Kinds of ids that are listed because rows of the person have them."""
_STORED = """
SELECT count() FROM attributions WHERE (toString(app_id), install_id) IN
    (SELECT toString(app_id), subject_key FROM privacy_receipts
    WHERE subject_request_id = {request} AND place = 'journeys' AND request_type = 'erasure')
UNION ALL
SELECT count() FROM touches WHERE device_key != '' AND (toString(app_id), device_key) IN
    (SELECT toString(app_id), subject_key FROM privacy_receipts
    WHERE subject_request_id = {request} AND place = 'matching' AND request_type = 'erasure'
        AND result != 'shared_identity')
"""
_OTHER_LOGS = """
SELECT count() > 0 AND (SELECT min(startsWith(log_epoch, 'replay-')) FROM privacy_rows
    WHERE subject_request_id = {request})
FROM ledger WHERE log_epoch NOT IN
    (SELECT log_epoch FROM privacy_rows WHERE subject_request_id = {request})
"""

RequestVerdict = Literal[
    "erased", "waiting", "found_nobody", "not_matched", "not_looked_up", "no_erasure", "refused"
]
"""erased: found, and stored rows are anonymous; waiting: of answers, or for `run`; found_nobody:
nothing is known under what the request names; not_matched: nor under what cannot be looked up, a
plain hash or an id of many people; not_looked_up: it was replayed into a store of other logs, whose
people only the state of those logs knows; no_erasure: an opt-out, or a request for access; refused:
it cannot be read."""


@dataclass(frozen=True, slots=True)
class RequestStatus:
    """Everything that is known of a request."""

    request_id: str
    requests: Sequence[dict[str, Any]]
    receipts: Sequence[dict[str, Any]]
    erased: Sequence[dict[str, Any]]  # ids by kind, and when they were erased from tables
    is_erased: bool  # whether `run` has taken up every receipt of somebody to erase
    remains: Sequence[dict[str, str]]
    stored_rows: int = 0  # that the subjects of receipts name, before `run`
    is_replayed: bool = False  # beside rows of other logs

    @property
    def is_taken_up(self) -> bool:
        """Whether `run` has listed what the receipts name, and made those rows anonymous."""
        return self.is_erased and bool(self.erased)

    @property
    def verdict(self) -> RequestVerdict:
        """What became of the request as a whole."""
        if not self.requests:
            return "refused"
        if all(one["request_type"] != "erasure" for one in self.requests):
            return "no_erasure"
        results = {one["result"] for one in self.receipts}
        is_found = bool(results & {"found", "already_erased"}) or self._is_in_rows
        if is_found:
            return "erased" if self.is_taken_up else "waiting"
        if results & {"shared_identity", "cannot_be_matched"}:
            return "not_matched"
        if "nothing_found" not in results:
            return "waiting"
        return "not_looked_up" if self.is_replayed else "found_nobody"

    @property
    def _is_in_rows(self) -> bool:
        """Whether rows name, or named, somebody whom no state knew."""
        listed = {str(one["kind"]) for one in self.erased}
        return self.stored_rows > 0 or bool(listed & _OF_ROWS)

    def as_json(self) -> dict[str, Any]:
        return {
            "subject_request_id": self.request_id,
            "verdict": self.verdict,
            "requests": list(self.requests),
            "receipts": list(self.receipts),
            "erased_ids": list(self.erased),
            "is_erased_from_tables": self.is_erased,
            "remains": list(self.remains),
        }


def run_erasure(settings: Settings, advance: Callable[[str], None]) -> list[ErasedRows]:
    """Make the rows of all erased people anonymous; what was rewritten, by table."""
    with stored(settings) as store, builds_repeated(store):
        return list(erase_rows(store, pseudonym_secret(settings.privacy), advance))


def request_status(settings: Settings, request_id: str) -> RequestStatus:
    """What became of a request. Stop: no such request is stored."""
    with stored(settings) as store:
        return status_of(store, settings, request_id)


def status_of(store: Store, settings: Settings, request_id: str) -> RequestStatus:
    """The same in a store that is open."""
    asked = {"request": request_id}
    requests = _dicts(store, _REQUESTS, request_id)
    receipts = _dicts(store, _RECEIPTS, request_id)
    if not requests and not receipts:
        raise Stop(
            f"no request {request_id} is stored: correct the id, or wait until it is read; what "
            "could not be read is among `headwater dead-letters list`"
        )
    shared = {one["subject_key"] for one in receipts if one["result"] == "shared_identity"}
    names = [
        one
        for one in receipts
        if one["place"] in _STAGES and _is_erasing(one) and one["subject_key"] not in shared
    ]
    return RequestStatus(
        request_id=request_id,
        requests=requests,
        receipts=receipts,
        erased=_dicts(store, _ERASED, request_id),
        is_erased=all(is_anonymous_text(one["subject_key"]) for one in names),
        remains=_remains(store, settings, request_id) if receipts else [],
        stored_rows=sum(int(count) for (count,) in store.query(_STORED, asked).rows),
        is_replayed=bool(store.query(_OTHER_LOGS, asked).rows[0][0]),
    )


def _is_erasing(receipt: dict[str, Any]) -> bool:
    """Whether the subject of a receipt is to be erased."""
    spared = receipt["result"] in {"shared_identity", "refused"}
    return receipt["request_type"] == "erasure" and not spared


def _remains(store: Store, settings: Settings, request_id: str) -> list[dict[str, str]]:
    """What an erasure does not reach at once, and when it ends."""
    rules = attribution_rules(settings.rules, settings.rules.attribution)

    def after(days: int) -> str:
        found = store.query(_REMAINS, {"request": request_id, "days": days})
        return str(found.rows[0][0])

    sources = topics.INSTALLS.retention_ms // DAY_MS
    outcomes = topics.ATTRIBUTIONS.retention_ms // DAY_MS
    touched, followed = rules.late_ms_max // DAY_MS, rules.install_memory_ms // DAY_MS
    booked = max(rules.journey_retention_ms, rules.transaction_retention_ms) // DAY_MS
    in_states = _remains_in_states(after(touched), after(followed), after(booked))
    kept = kept_days(store)
    return [
        {"place": "source topics, as producers sent them", "until": after(sources)},
        {"place": "outcome topics, and those between stages", "until": after(outcomes)},
        *in_states,
        {
            "place": "files that `headwater privacy run` replaced",
            "until": "8 minutes after it, unless old_parts_lifetime of the engine is longer",
        },
        {"place": "backups of ClickHouse and Kafka", "until": "as long as you keep them"},
        {
            "place": "anonymous rows, which name nobody",
            "until": f"{max(kept.values())} days" if kept else "for ever",
        },
        {
            "place": "weights that models have learned, which name nobody",
            "until": "the models that hold them are replaced by later versions",
        },
    ]


def _remains_in_states(touched: str, followed: str, booked: str) -> list[dict[str, str]]:
    """What states of workers hold of who asked, and until when."""
    return [
        {
            "place": "state of matching and its changelog: touchpoints and installs by the device "
            "ids that the request names",
            "until": f"{touched}; where somebody else uses the device, {followed}",
        },
        {
            "place": "the same by click ids, and by device ids that the request does not name: ask "
            "again with them, if you know them",
            "until": followed,
        },
        {
            "place": "state of journeys and its changelog: the install id; after that a keyed hash "
            "of it, by which late refunds are booked",
            "until": touched,
        },
        {
            "place": "state of payments and its changelog: transactions, the account, and the "
            "install that paid",
            "until": booked,
        },
        {
            "place": "bytes of deleted keys, in files of states and in segments of changelogs",
            "until": "2 days after their key ends, where workers run and the broker heeds "
            "max.compaction.lag.ms",
        },
    ]


def _dicts(store: Store, sql: str, request_id: str) -> list[dict[str, Any]]:
    answer = store.query(sql, {"request": request_id})
    return [dict(zip(answer.names, row, strict=True)) for row in answer.rows]
