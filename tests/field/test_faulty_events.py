"""Faulty events as games developers write them: each is told enough to be mended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from schemas.decode import Unreadable, decode
from schemas.events import TOPIC_OF_TYPE, TYPES
from streams.operations.validation import EventVerdict, Judge, Submissions

NOW = 1_790_000_600_000
EARLIEST = 1_262_304_000_000
FILLED = {
    "<milliseconds since 1970>": NOW,
    "<millionths of the currency>": 1_990_000,
    "<ISO 4217>": "EUR",
    "<YYYY-MM-DD>": "2026-09-21",
    "<kind>": "renewal",
    "<body>": "{}",
    "<identities>": [{"identity_type": "install_id", "identity_value": "i-1"}],
}
"""What a producer writes in place of the blanks of a suggestion."""


class Mistake(NamedTuple):
    name: str
    advice: list[str]
    text: str


def _mistakes() -> list[Mistake]:
    lines = (Path(__file__).parent / "cases" / "faulty-events.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return [Mistake(row["mistake"], row["advice"], row["text"]) for row in rows]


MISTAKES = _mistakes()


def judged(text: str, folder: Path) -> list[EventVerdict]:
    file = folder / "events.jsonl"
    file.write_text(text)
    judge = Judge(EARLIEST)
    source = Submissions(str(file), topic="", topic_prefix="", now=NOW)
    return [judge.judge(submitted)[0] for submitted, _ in source]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_each_mistake_is_refused_with_advice(mistake: Mistake, tmp_path: Path) -> None:
    (verdict,) = judged(mistake.text, tmp_path)

    assert not verdict.ok
    assert verdict.reason
    for part in mistake.advice:
        assert part in verdict.advice


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_the_suggestion_counts_once_its_blanks_are_filled(mistake: Mistake, tmp_path: Path) -> None:
    (verdict,) = judged(mistake.text, tmp_path)
    if verdict.suggestion is None:
        assert mistake.name in ("a batch in one message", "CSV")
        return
    filled: dict[str, Any] = {
        name: FILLED.get(value, f"{name}-1") if str(value).startswith("<") else value
        for name, value in verdict.suggestion.items()
    }
    event_type = TYPES[filled["type"], 1]

    event = decode(json.dumps(filled).encode(), TOPIC_OF_TYPE[event_type], NOW, EARLIEST)

    assert not isinstance(event, Unreadable), event
    assert verdict.topic == TOPIC_OF_TYPE[event_type]


def test_all_mistakes_are_told_apart_in_one_file(tmp_path: Path) -> None:
    verdicts = judged("\n".join(mistake.text for mistake in MISTAKES), tmp_path)

    assert [verdict.line for verdict in verdicts] == [*range(1, len(MISTAKES) + 1)]
    assert not any(verdict.ok for verdict in verdicts)
