"""Referrers of mis-built store links, through replay: each names a click that is there."""

from __future__ import annotations

from pathlib import Path

from tests.field.test_dumps_and_money import CASES, replayed

ATTRIBUTED = (
    "SELECT install_id, status, match_type, media_source FROM v_attributions"
    " WHERE app_id != 'tick' ORDER BY install_id"
)


def test_encoded_escaped_and_capital_referrers_are_read(tmp_path: Path) -> None:
    _, (rows,) = replayed(tmp_path, CASES / "cases" / "referrer-encodings.jsonl", ATTRIBUTED)
    names = ["double-encoded", "html-escaped", "plus-not-encoded", "upper-case-name"]
    assert rows == [(name, "non_organic", "referrer", "adnova") for name in names]
