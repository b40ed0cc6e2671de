"""What an HTTP request asks of the store, as ClickHouse reads one.

The statement is in `query`, in the body, or in both, one after the other. `default_format` holds
where the statement names none, `database` has to be the one there is. Settings that clients send
along change nothing here and are ignored: each statement runs within the limits of this store.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from email.message import Message
from urllib.parse import parse_qs

from streams.store.base import Refused

BODY_BYTES_MAX = 1_000_000
"""A statement is far shorter: what is longer would only fill the memory of the storing process."""
DEFAULT_FORMAT = "TabSeparated"
DATABASES = frozenset({"", "default"})
_TEXT_ENCODINGS = frozenset({"", "identity"})


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """One statement, and the form of its answer."""

    sql: str
    """Empty: nothing is asked, which clients do to see whether the server lives."""
    default_format: str
    query_id: str


def request_of(target: str, headers: Message, body: bytes) -> StoreRequest:
    """Refused, in one line: the request cannot be answered as it is meant."""
    asked = {name: values[-1] for name, values in parse_qs(target.partition("?")[2]).items()}
    database = asked.get("database") or headers.get("X-ClickHouse-Database") or ""
    if database not in DATABASES:
        raise Refused(f"there is no database {database!r}: the embedded store has `default` alone")
    if any(name.startswith("param_") for name in asked):
        raise Refused("parameters (param_…) are not supported: write the values into the statement")
    sql = asked.get("query", "")
    text = _text(body, headers.get("Content-Encoding", "").lower())
    if text.strip():
        sql = f"{sql}\n{text}" if sql.strip() else text
    output_format = (
        asked.get("default_format") or headers.get("X-ClickHouse-Format") or DEFAULT_FORMAT
    )
    return StoreRequest(sql.strip(), output_format, asked.get("query_id", ""))


def _text(body: bytes, encoding: str) -> str:
    if encoding == "gzip":
        body = _unpacked(body)
    elif encoding not in _TEXT_ENCODINGS:
        raise Refused(f"Content-Encoding {encoding} is not supported: send the statement as it is")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Refused("the statement is no UTF-8 text") from None


def _unpacked(body: bytes) -> bytes:
    try:
        text = zlib.decompressobj(wbits=31).decompress(body, BODY_BYTES_MAX + 1)
    except (zlib.error, gzip.BadGzipFile):
        raise Refused("the body is no gzip: send the statement as it is") from None
    if len(text) > BODY_BYTES_MAX:
        raise Refused(f"the statement is longer than {BODY_BYTES_MAX:,} bytes")
    return text
