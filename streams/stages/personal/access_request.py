"""Requests for access: intake asks every key of the person what is known under it, and matching
answers with receipts. Nothing changes by it: `headwater privacy export` reads the receipts.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from attribution.matching.account_state import AccountState
from attribution.matching.touch_index import TouchIndex
from attribution.privacy.shared_identity import is_shared
from attribution.rules.rules import Rules
from schemas import topics
from schemas.events import PrivacyRequest
from schemas.outcomes import PrivacyReceipt, ReceiptResult
from schemas.records import SANDBOX_SCOPE, AccessSeen, MatchRecord, scope_of
from schemas.time import LogMs
from streams.stages.common.erasure import RESULT_MEANING, identity_receipts
from streams.stages.common.match_keys import ACCOUNT_PREFIX, written_forms
from streams.stages.common.outbox import FrameOutbox, Outbox
from streams.stages.common.source_columns import environment_of
from streams.stages.personal.personal_keys import PersonalKeys


def ask_for_access(
    event: PrivacyRequest,
    ts: LogMs,
    keys: PersonalKeys,
    outbox: Outbox,
    match: FrameOutbox[MatchRecord],
) -> None:
    """Say of each identity what is done with it, and ask its keys."""
    for receipt in access_receipts(event, ts, keys):
        outbox.add(topics.PRIVACY_RECEIPTS.name, receipt.subject_request_id, receipt)
    for identity in event.identities:
        if identity.identity_format == "raw":
            for key in keys.of_identity(event.app_id, identity, ts):
                match.add(key, AccessSeen(key, event.subject_request_id, ts))


def access_receipts(
    event: PrivacyRequest, ts: LogMs, keys: PersonalKeys
) -> Iterator[PrivacyReceipt]:
    """What intake says of a request for access: of each identity, and of each install that it
    names."""
    for receipt in identity_receipts(event, ts, keys.pseudonyms):
        name = receipt.receipt_id.replace(":intake:", ":access:")
        yield replace(receipt, receipt_id=name, place="access")
    for identity in event.identities:
        if (identity.identity_type, identity.identity_format) != ("install_id", "raw"):
            continue
        for install_id in written_forms(identity.identity_value):
            for is_sandbox in (False, True):
                scope = event.app_id, is_sandbox
                yield _answer(event.subject_request_id, ts, scope, "install_id", install_id)


def access_answers(seen: AccessSeen, known: object, rules: Rules) -> Iterator[PrivacyReceipt]:
    """What matching knows under a key of who asks for access: the installs that were seen with it,
    and the bookings that wait for the account. An id of which an erasure concerns nobody gives
    nobody out either."""
    scope = scope_of(seen.key)
    key = seen.key.removeprefix(SANDBOX_SCOPE) if scope[1] else seen.key
    installs, bookings = set[str](), set[str]()
    match known:
        case TouchIndex():
            installs = {one.install_id for one in known.installs}
        case AccountState():
            installs = {one.install_id for one in known.links}
            bookings = {one.money.booking_id for one in known.placed}
    is_of_many = isinstance(known, TouchIndex | AccountState) and is_shared(known, rules)
    kind = "account" if key.startswith(ACCOUNT_PREFIX) else "device"
    result: ReceiptResult = "nothing_found" if known is None else "found"
    result = "shared" if is_of_many else result
    asked = seen.request_id, seen.ts, scope
    yield _answer(*asked, kind, key, result)
    if is_of_many:
        return
    for install_id in sorted(installs):
        yield _answer(*asked, "install_id", install_id)
    for booking_id in sorted(bookings):
        yield _answer(*asked, "booking", booking_id)


def _answer(
    request_id: str,
    ts: LogMs,
    scope: tuple[str, bool],
    subject_type: str,
    subject: str,
    result: ReceiptResult = "linked",
) -> PrivacyReceipt:
    app_id, is_sandbox = scope
    environment = environment_of(is_sandbox=is_sandbox)
    return PrivacyReceipt(
        receipt_id=f"{request_id}:access:{environment}:{app_id}:{subject_type}:{subject}",
        subject_request_id=request_id,
        request_type="access",
        app_id=app_id,
        environment=environment,
        place="access",
        subject_type=subject_type,
        subject_key=subject,
        result=result,
        detail=RESULT_MEANING[result],
        found={},
        requested_at=ts,
    )
