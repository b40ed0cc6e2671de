"""Whom a request is about: the installs, keys and bookings that the receipts of it name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streams.errors import Stop
from streams.stages.common.match_keys import ACCOUNT_IDENTITIES, DEVICE_IDENTITIES
from streams.stages.common.pseudonyms import ANONYMOUS_PREFIX
from streams.store.base import Store

_REQUEST = """
SELECT request_type, app_id, identity_types, identity_keys, submitted_time FROM privacy_rows
WHERE subject_request_id = {request}
ORDER BY log_epoch, log_partition, log_offset LIMIT 1 BY source_partition, source_offset
"""
_RECEIPTS = """
SELECT place, subject_type, subject_key, result, detail FROM privacy_receipts
WHERE subject_request_id = {request} ORDER BY receipt_id LIMIT 1 BY receipt_id
"""
_KEYED = ACCOUNT_IDENTITIES | DEVICE_IDENTITIES
_KEYS = ("device", "account")
_OF_MANY = ("shared", "shared_identity")
"""Results of an id that more people have than the one who asks: for access, and to be erased."""


@dataclass(frozen=True, slots=True)
class Person:
    """Everything by which stored rows name the person of a request."""

    request_id: str
    request: dict[str, Any]
    app_id: str
    installs: tuple[str, ...]
    devices: tuple[str, ...]  # match keys: pseudonyms within the app
    accounts: tuple[str, ...]
    bookings: tuple[str, ...]  # of the account, whether an install has them or not
    identities: tuple[str, ...]  # pseudonyms, as requests are stored with
    withheld: tuple[dict[str, Any], ...]  # receipts of keys that many share

    @property
    def pseudonyms(self) -> frozenset[str]:
        """Pseudonyms of ids, without what they are keyed with."""
        keys = (*self.devices, *self.accounts)
        return frozenset({*self.identities, *(key.rpartition(":")[2] for key in keys)})


def person_of(store: Store, request_id: str) -> Person:
    """Whom a request is about. Stop: it is unknown, of another kind, or its answers are not there.

    An erasure names its person until `headwater privacy run` has made the rows anonymous.
    """
    request, receipts = _request(store, request_id), _dicts(store, _RECEIPTS, request_id)
    _require_answers(request_id, request, receipts)
    named: dict[str, list[str]] = {}
    withheld = tuple(one for one in receipts if one["result"] in _OF_MANY)
    # What is known of the test device with such an id has the same key.
    of_many = {one["subject_key"] for one in withheld}
    pseudonyms_of_many = {key.rpartition(":")[2] for key in of_many}
    for receipt in receipts:
        kind, subject = receipt["subject_type"], receipt["subject_key"]
        is_of_identity = receipt["place"] == "intake" or subject.startswith(ANONYMOUS_PREFIX)
        if not is_of_identity and subject not in of_many:
            named.setdefault(kind, []).append(subject)

    def of(kind: str) -> tuple[str, ...]:
        return tuple(sorted(set(named.get(kind, ()))))

    return Person(
        request_id=request_id,
        request=request,
        app_id=request["app_id"],
        installs=of("install_id"),
        devices=of("device"),
        accounts=of("account"),
        bookings=of("booking"),
        identities=tuple(one for one in request["identity_keys"] if one not in pseudonyms_of_many),
        withheld=withheld,
    )


def _request(store: Store, request_id: str) -> dict[str, Any]:
    requests = _dicts(store, _REQUEST, request_id)
    if not requests:
        raise Stop(
            f"no request {request_id} is stored: correct the id, or wait until it is read; what "
            "could not be read is among `headwater dead-letters list`"
        )
    if apps := sorted({one["app_id"] for one in requests})[1:]:
        raise Stop(
            f"request {request_id} was sent for {len(apps) + 1} apps: send one with an id of its "
            "own for each app"
        )
    wanted = [one for one in requests if one["request_type"] in ("access", "erasure")]
    if not wanted:
        raise Stop(
            f"request {request_id} is of type {requests[0]['request_type']}: send one of type "
            "access for the same identities"
        )
    return wanted[0]


def _require_answers(
    request_id: str, request: dict[str, Any], receipts: list[dict[str, Any]]
) -> None:
    """Raise Stop where it cannot be known yet, or no longer, whose rows are meant."""
    if any(
        found["subject_key"].startswith(ANONYMOUS_PREFIX)
        for found in receipts
        if found["place"] in ("journeys", "matching") or found["subject_type"] in _KEYS
    ):
        raise Stop(
            f"the person of request {request_id} was forgotten: no stored row names them any more; "
            f"`headwater privacy status {request_id}` has the receipt"
        )
    answered = [one for one in receipts if one["place"] in ("intake", "access")]
    by_key = [one for one in receipts if one["subject_type"] in _KEYS]
    asked = [one for one in answered if one["subject_type"] in _KEYED
             and one["result"] == "looked_up"]  # fmt: skip
    if not answered or (asked and not by_key):
        raise Stop(f"the workers have not answered request {request_id} yet: try again in a minute")


def _dicts(store: Store, sql: str, request_id: str) -> list[dict[str, Any]]:
    answer = store.query(sql, {"request": request_id})
    return [dict(zip(answer.names, row, strict=True)) for row in answer.rows]
