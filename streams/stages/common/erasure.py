"""Receipts of what an erasure request found in each place.

Only keyed pseudonyms of ids are kept. From them nobody can compute a plain hash of the id, so a
hashed identity matches nothing, and its receipt says so.
"""

from __future__ import annotations

from collections.abc import Iterator

from attribution.journey import Journey
from attribution.matching.account_state import AccountState
from attribution.matching.touch_index import TouchIndex
from schemas.events import PrivacyRequest
from schemas.outcomes import PrivacyReceipt, ReceiptResult
from schemas.parts import Identity
from schemas.records import SANDBOX_SCOPE, Erased, ErasureSeen, scope_of
from schemas.time import LogMs
from streams.stages.common.match_keys import ACCOUNT_PREFIX
from streams.stages.common.pseudonyms import Pseudonyms
from streams.stages.common.source_columns import environment_of

RESULT_MEANING: dict[ReceiptResult, str] = {
    "looked_up": "its journeys answer with rows of their own",
    "cannot_be_matched": "only keyed pseudonyms are kept, which no plain hash leads to: ask again "
    "with the identity itself",
    "found": "",
    "nothing_found": "nothing is known under it; what arrives later and is older than the request "
    "is erased too",
    "already_erased": "an earlier request has erased it",
    "linked": "it was seen with an identity of the request",
    "shared": "more installs than one person has were seen with it, so nothing is given out by it: "
    "ask again with another identity",
}


def identity_receipts(
    event: PrivacyRequest, ts: LogMs, pseudonyms: Pseudonyms
) -> Iterator[PrivacyReceipt]:
    """What intake says of each identity, by its place in the request."""
    for number, identity in enumerate(event.identities):
        result: ReceiptResult = "looked_up" if _is_known(identity) else "cannot_be_matched"
        yield PrivacyReceipt(
            receipt_id=f"{event.subject_request_id}:intake:{number}",
            subject_request_id=event.subject_request_id,
            app_id=event.app_id,
            environment="production",
            place="intake",
            subject_type=identity.identity_type,
            subject_key=pseudonyms.anonymous.of(identity.identity_value),
            result=result,
            detail=RESULT_MEANING[result],
            found={},
            requested_at=ts,
        )


def _is_known(identity: Identity) -> bool:
    return identity.identity_format == "raw"


def key_receipt(seen: ErasureSeen, before: object) -> PrivacyReceipt:
    """What matching knew under a key when the request came to it."""
    found: dict[str, float] = {}
    match before:
        case TouchIndex():
            touches = sum(one.ts <= seen.ts for one in before.touches)
            installs = {one.install_id for one in before.installs if one.ts <= seen.ts}
            found = {"touchpoints": touches, "installs": len(installs)}
        case AccountState():
            links = {one.install_id for one in before.links if one.ts <= seen.ts}
            found = {"installs": len(links), "payments": len(before.placed)}
    found = {name: float(count) for name, count in found.items() if count}
    app_id, is_sandbox = scope_of(seen.key)
    key = seen.key.removeprefix(SANDBOX_SCOPE) if is_sandbox else seen.key
    result: ReceiptResult = "found" if found else "nothing_found"
    return PrivacyReceipt(
        receipt_id=f"{seen.request_id}:matching:{seen.key}",
        subject_request_id=seen.request_id,
        app_id=app_id,
        environment=environment_of(is_sandbox=is_sandbox),
        place="matching",
        subject_type="account" if key.startswith(ACCOUNT_PREFIX) else "device",
        subject_key=key,
        result=result,
        detail=RESULT_MEANING[result],
        found=found,
        requested_at=seen.ts,
    )


def install_receipt(erased: Erased, before: Journey, lives: int) -> PrivacyReceipt:
    """What the journey of an install knew when the request came to it; `lives`: of the id."""
    is_repeated = 0 < before.erased_ts <= erased.ts
    result: ReceiptResult = "already_erased" if is_repeated else "found"
    if before.install is None and not is_repeated:
        result = "nothing_found"
    counts = {
        "installs": int(before.install is not None),
        "later_first_opens": lives,
        "decisions": before.version,
        "touchpoints": len(before.candidates),
        "re_engagements": len(before.reengaged),
        "waiting": len(before.waiting),
    }
    scope = environment_of(is_sandbox=erased.is_sandbox)
    return PrivacyReceipt(
        receipt_id=f"{erased.request_id}:journeys:{scope}:{erased.app_id}:{erased.install_id}",
        subject_request_id=erased.request_id,
        app_id=erased.app_id,
        environment=scope,
        place="journeys",
        subject_type="install_id",
        subject_key=erased.install_id,
        result=result,
        detail=RESULT_MEANING[result],
        found={name: float(count) for name, count in counts.items() if count},
        requested_at=erased.ts,
    )
