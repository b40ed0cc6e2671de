"""Receipts of what a privacy request found in each place.

Only keyed pseudonyms of ids are kept. From them nobody can compute a plain hash of the id, so a
hashed identity matches nothing, and its receipt says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import MsgspecError, Struct, json

from attribution.journey import Journey
from attribution.matching.account_state import AccountState
from attribution.matching.touch_index import TouchIndex
from attribution.privacy.key_requests import is_answered_before
from attribution.privacy.shared_identity import installs_of, is_shared
from attribution.rules.rules import Rules
from schemas.decode import Unreadable
from schemas.events import PrivacyRequest
from schemas.ids import normal_device_id
from schemas.outcomes import PrivacyReceipt, ReceiptResult
from schemas.parts import Identity
from schemas.records import (
    SANDBOX_SCOPE,
    ChoiceMade,
    ChoiceSeen,
    Erased,
    ErasureSeen,
    scope_of,
)
from schemas.time import LOG_TIME_MAX, LogMs
from streams.stages.common.match_keys import ACCOUNT_PREFIX
from streams.stages.common.pseudonyms import Pseudonyms
from streams.stages.common.source_columns import environment_of
from streams.stages.contract import LogRecord

RESULT_MEANING: dict[ReceiptResult, str] = {
    "looked_up": "its journeys answer with rows of their own",
    "cannot_be_matched": "only keyed pseudonyms are kept, which no plain hash leads to: ask again "
    "with the identity itself",
    "found": "",
    "nothing_found": "nothing is known under it; what arrives later and is older than the request "
    "is erased too",
    "already_erased": "an earlier request, or an earlier copy of this one, has erased it",
    "linked": "it was seen with an identity of the request",
    "shared": "more installs than one person has were seen with it, so nothing is given out by it: "
    "ask again with another identity",
    "noted": "",
    "shared_identity": "more installs are known under it than one person has, so that the request "
    "concerns none of them: ask again with the install_id, the account or another id",
}
_CHOICES = {
    True: "from now on the uses that the table of consent forbids after an opt-out are left out",
    False: "an earlier opt-out ends",
}
_WRONG_FORM = "; its form is not that of {}: make sure that the id is right"
_AGAIN = ":again"
"""Ends the id of the receipt of a copy: that of the first one stays as it was."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_WITH_UUID = frozenset({"gaid", "idfa", "idfv"})


def identity_receipts(
    event: PrivacyRequest, ts: LogMs, pseudonyms: Pseudonyms
) -> Iterator[PrivacyReceipt]:
    """What intake says of each identity, by its place in the request."""
    for number, identity in enumerate(event.identities):
        is_raw = identity.identity_format == "raw"
        result: ReceiptResult = "looked_up" if is_raw else "cannot_be_matched"
        is_odd = is_raw and not _has_right_form(identity)
        yield PrivacyReceipt(
            receipt_id=f"{event.subject_request_id}:intake:{number}",
            subject_request_id=event.subject_request_id,
            request_type=event.request_type,
            app_id=event.app_id,
            environment="production",
            place="intake",
            subject_type=identity.identity_type,
            subject_key=pseudonyms.anonymous.of(identity.identity_value),
            result=result,
            detail=RESULT_MEANING[result] + _WRONG_FORM.format(identity.identity_type) * is_odd,
            found={},
            requested_at=ts,
        )


def _has_right_form(identity: Identity) -> bool:
    """Whether an identity looks like one of its type. It is looked up all the same: producers may
    have sent it so in events, too."""
    if identity.identity_type == "email":
        return "@" in identity.identity_value
    if identity.identity_type not in _WITH_UUID:
        return True
    return _UUID(normal_device_id(identity.identity_value)) is not None


class _NamedRequest(Struct):
    subject_request_id: str
    app_id: str = ""
    request_type: str = ""


_names = json.Decoder(_NamedRequest)
_NAME_LENGTH_MAX = 256


def refused_receipt(record: LogRecord, unreadable: Unreadable) -> PrivacyReceipt | None:
    """The receipt of a request that cannot be read; None: it does not say which one it is."""
    try:
        named = _names.decode(record.value or b"")
    except (MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    name = named.subject_request_id.strip()
    if not 0 < len(name) <= _NAME_LENGTH_MAX:
        return None
    return PrivacyReceipt(
        receipt_id=f"{name}:intake:refused",
        subject_request_id=name,
        request_type=named.request_type[:_NAME_LENGTH_MAX],
        app_id=named.app_id[:_NAME_LENGTH_MAX],
        environment="production",
        place="intake",
        subject_type="",
        subject_key="",
        result="refused",
        detail=f"{unreadable.reason.value}: {unreadable.detail}; nobody was looked up",
        found={},
        requested_at=LogMs(min(max(record.timestamp, 0), LOG_TIME_MAX)),
    )


def key_receipt(seen: ErasureSeen | ChoiceSeen, before: object, rules: Rules) -> PrivacyReceipt:
    """What matching knew under a key when the request came to it."""
    known = before if isinstance(before, TouchIndex | AccountState) else TouchIndex()
    is_again = is_answered_before(known, seen)
    result, found = _key_result(seen, known, rules, is_again=is_again)
    app_id, is_sandbox = scope_of(seen.key)
    key = seen.key.removeprefix(SANDBOX_SCOPE) if is_sandbox else seen.key
    return PrivacyReceipt(
        receipt_id=f"{seen.request_id}:matching:{seen.key}" + _AGAIN * is_again,
        subject_request_id=seen.request_id,
        request_type=_type_of(seen),
        app_id=app_id,
        environment=environment_of(is_sandbox=is_sandbox),
        place="matching",
        subject_type="account" if key.startswith(ACCOUNT_PREFIX) else "device",
        subject_key=key,
        result=result,
        detail=_meaning_of(seen, result),
        found={name: float(count) for name, count in found.items() if count},
        requested_at=seen.ts,
    )


def _key_result(
    seen: ErasureSeen | ChoiceSeen,
    known: TouchIndex | AccountState,
    rules: Rules,
    *,
    is_again: bool,
) -> tuple[ReceiptResult, dict[str, int]]:
    if is_shared(known, rules):
        return "shared_identity", {"installs": len(installs_of(known))}
    if isinstance(known, TouchIndex):
        found = {
            "touchpoints": sum(one.ts <= seen.ts for one in known.touches),
            "installs": len({one.install_id for one in known.installs if one.ts <= seen.ts}),
        }
    else:
        links = {one.install_id for one in known.links if one.ts <= seen.ts}
        found = {"installs": len(links), "payments": len(known.placed)}
    if isinstance(seen, ChoiceSeen):
        return "noted", found
    if is_again:
        return "already_erased", {}
    return "found" if any(found.values()) else "nothing_found", found


def _meaning_of(
    record: ErasureSeen | ChoiceSeen | Erased | ChoiceMade, result: ReceiptResult
) -> str:
    if result == "noted" and isinstance(record, ChoiceSeen | ChoiceMade):
        return _CHOICES[record.is_refused]
    return RESULT_MEANING[result]


def _type_of(record: ErasureSeen | ChoiceSeen | Erased | ChoiceMade) -> str:
    if isinstance(record, ErasureSeen | Erased):
        return "erasure"
    return "opt_out" if record.is_refused else "opt_in"


def install_receipt(
    record: Erased | ChoiceMade, before: Journey, lives: int
) -> PrivacyReceipt | None:
    """What the journey of an install knew when the request came to it; `lives`: of the id. None: it
    knew of the request."""
    match record:
        case Erased():
            is_known = before.erased_by in ("", record.request_id)  # Empty: by an earlier build.
            if before.erased_ts == record.ts and is_known:
                return None
            is_again = before.erased_by == record.request_id
        case ChoiceMade():
            if any(one.request_id == record.request_id for one in before.choices):
                return None
            is_again = False
    result = _install_result(record, before)
    found = _found_at(before, lives)
    if isinstance(record, Erased) and before.keys:
        found["keys"] = float(len(before.keys))
    scope = environment_of(is_sandbox=record.is_sandbox)
    name = f"{record.request_id}:journeys:{scope}:{record.app_id}:{record.install_id}"
    return PrivacyReceipt(
        receipt_id=name + _AGAIN * is_again,
        subject_request_id=record.request_id,
        request_type=_type_of(record),
        app_id=record.app_id,
        environment=scope,
        place="journeys",
        subject_type="install_id",
        subject_key=record.install_id,
        result=result,
        detail=_CHOICES[record.is_refused]
        if isinstance(record, ChoiceMade)
        else RESULT_MEANING[result],
        found=found,
        requested_at=record.ts,
    )


def _install_result(record: Erased | ChoiceMade, before: Journey) -> ReceiptResult:
    if isinstance(record, ChoiceMade):
        return "noted"
    if 0 < before.erased_ts <= record.ts:
        return "already_erased"
    return "found" if before.install is not None else "nothing_found"


def _found_at(before: Journey, lives: int) -> dict[str, float]:
    counts = {
        "installs": int(before.install is not None),
        "later_first_opens": lives,
        "decisions": before.version,
        "touchpoints": len(before.candidates),
        "re_engagements": len(before.reengaged),
        "waiting": len(before.waiting),
    }
    return {name: float(count) for name, count in counts.items() if count}
