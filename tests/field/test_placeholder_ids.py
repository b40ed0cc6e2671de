"""Placeholder ids and empty text, as producers really send them."""

from __future__ import annotations

import json
from pathlib import Path

from schemas.decode import Defect, Unreadable, decode
from schemas.events import Install

CASES = Path(__file__).parent / "cases"


def _events(name: str) -> list[object]:
    rows = [json.loads(line) for line in (CASES / f"{name}.jsonl").read_text().splitlines()]
    return [decode(row["payload"].encode(), row["topic"], row["ts"], 0) for row in rows]


def test_empty_text_loses_no_event() -> None:
    events = _events("empty-strings-lose-the-install")
    assert not [event for event in events if isinstance(event, Unreadable)]


def test_a_transaction_id_null_is_missing() -> None:
    events = _events("transaction-id-placeholders")
    reasons = [event.reason for event in events if isinstance(event, Unreadable)]
    assert reasons == [Defect.MISSING_ID] * 5


def test_a_device_id_null_is_absent() -> None:
    events = _events("device-id-placeholders")
    installs = [event for event in events if isinstance(event, Install)]
    assert len([one for one in installs if one.app_id != "tick"]) == 4
    assert all(install.gaid is None for install in installs)
