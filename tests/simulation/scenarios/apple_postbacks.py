"""A few postbacks, real and forged, and under which name each should count.

Copies differ in what is not signed. A name is worked out here by hand, not by the product.
"""

from __future__ import annotations

import json
from typing import Any

from tests.worlds.postback_world import (
    HEADER,
    OTHER_KEY,
    PAYLOAD,
    VERSION_2_1,
    VERSION_4_0,
    enveloped,
    jws,
    signed,
)

_SECOND = VERSION_4_0 | {"postback-sequence-index": 1}
_SKAN = "skan_postback"
_AAK = "aak_postback"

VALID: dict[tuple[str, str], str] = {
    (_SKAN, json.dumps(signed(VERSION_4_0))): "skan first",
    (_SKAN, json.dumps(signed(VERSION_4_0) | {"conversion-value": 5})): "skan first",
    (_SKAN, json.dumps(signed(VERSION_4_0), indent=1)): "skan first",
    (_SKAN, json.dumps(signed(_SECOND))): "skan second",
    (_SKAN, json.dumps(signed(VERSION_2_1 | {"transaction-id": "old"}))): "skan old",
    (_AAK, enveloped(jws(PAYLOAD))): "aak",
    (_AAK, enveloped(jws(PAYLOAD), {"coarse-conversion-value": "low"})): "aak",
}
"""Event type and body of what is signed, and the name under which it counts once."""

NOT_VALID: tuple[tuple[str, str], ...] = (
    (_SKAN, "{}"),
    (_SKAN, json.dumps(signed(VERSION_4_0, OTHER_KEY))),
    (_SKAN, json.dumps(signed(VERSION_4_0) | {"app-id": 1})),
    (_AAK, enveloped(jws(PAYLOAD, HEADER | {"alg": "none"}))),
    (_AAK, enveloped(jws(PAYLOAD, HEADER | {"kid": "unknown"}))),
)
"""Each of these is one of its own, by its bytes."""

EVERY = (*VALID, *NOT_VALID)


def name_of(event_type: str, body: str) -> str:
    return VALID.get((event_type, body), body)


def counted(rows: list[dict[str, Any]]) -> dict[str, int]:
    """How many postbacks the rows speak of, by whether they are valid."""
    valid = {row["postback_id"] for row in rows if row["signature_state"] == "valid"}
    other = {row["postback_id"] for row in rows if row["signature_state"] != "valid"}
    return {"valid": len(valid), "not valid": len(other)}
