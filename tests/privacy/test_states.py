"""States of who was forgotten name nobody once late records cannot count any more."""

from __future__ import annotations

from pathlib import Path

from tests.privacy.people import people
from tests.privacy.states import named_in_states

DAYS = 20
"""The requests are of the fourth day, and two weeks later no record or path of before counts."""


def test_matching_names_only_transactions_whichever_identity_a_request_has(tmp_path: Path) -> None:
    found = named_in_states(tmp_path, people(60, 30), DAYS)
    assert {name for name in found if "naming" in name} <= {"matching: naming, by t:"}
    assert found["matching: all"] > 30
