"""Somebody who asks about a postback hears whether it counts, and why not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from streams.operations.explain.explanation import Explanation
from streams.operations.explain.explanation_text import explanation_text
from tests.worlds.postback_world import postback_row

NAME = "Postback skadnetwork:0:north.skadnetwork:t1 of north.skadnetwork"


def text_of(**changes: Any) -> str:
    row = msgspec.to_builtins(postback_row(**changes))
    return explanation_text(Explanation("t1", postbacks=[row]))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "valid, won, download, conversion value 7: purchase"),
        ({"conversion_value": -1, "coarse_value": "low", "conversion_state": "undecoded",
          "conversion_events": [], "did_win": False},
         "valid, lost, download, conversion value low: undecoded"),
        ({"conversion_value": -1}, "valid, won, download, no conversion value"),
        ({"signature_state": "invalid", "signature_reason": "bad_signature"},
         "invalid (bad_signature), not counted"),
        ({"signature_state": "unverifiable", "signature_reason": "unknown_key"},
         "unverifiable (unknown_key), not counted"),
    ],
)  # fmt: skip
def test_a_postback_is_explained_in_one_line(changes: dict[str, Any], words: str) -> None:
    assert text_of(**changes) == f"{NAME}: {words}"
