"""What the stages are told of a privacy request: a record for every key and install it names."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from schemas.events import PrivacyRequest
from schemas.records import ChoiceMade, ChoiceSeen, Erased, ErasureSeen, journey_key
from schemas.time import LogMs
from streams.stages.common import match_keys
from streams.stages.personal.personal_keys import PersonalKeys


def key_records(
    event: PrivacyRequest, ts: LogMs, keys: PersonalKeys
) -> Iterator[ErasureSeen | ChoiceSeen]:
    """A record for every match key of the person."""
    request_id, is_refused = event.subject_request_id, event.request_type == "opt_out"
    for identity in event.identities:
        if identity.identity_format != "raw":
            continue
        for key in keys.of_identity(event.app_id, identity, ts):
            if event.request_type == "erasure":
                yield ErasureSeen(key, request_id, ts)
            else:
                yield ChoiceSeen(key, request_id, ts, is_refused)


def install_records(event: PrivacyRequest, ts: LogMs) -> Iterator[tuple[str, Erased | ChoiceMade]]:
    """A record for every install that the person names, by the key of its journey."""
    request_id, is_refused = event.subject_request_id, event.request_type == "opt_out"
    for identity in event.identities:
        if identity.identity_type != "install_id" or identity.identity_format != "raw":
            continue
        forms = match_keys.written_forms(identity.identity_value)
        for install_id, is_sandbox in product(forms, (False, True)):
            scope = event.app_id, is_sandbox
            key = journey_key(event.app_id, install_id, is_sandbox=is_sandbox)
            if event.request_type == "erasure":
                yield key, Erased(install_id, request_id, ts, *scope)
            else:
                yield key, ChoiceMade(install_id, request_id, ts, is_refused, *scope)
