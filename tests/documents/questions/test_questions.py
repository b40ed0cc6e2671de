"""Every statement of the page is run as it stands, and its answer compared with a naive one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from streams.progress import ignore_progress
from streams.replay.run import run_replay
from streams.settings import read_settings
from streams.store.reading import Readable, ReadLimits, rows_for
from streams.wiring.store import stored
from tests.checkout import ROOT
from tests.documents.questions.naive_answers import ANSWERS
from tests.documents.questions.naive_facts import NaiveFacts
from tests.documents.questions.question_log import QuestionLog, question_log

pytest.importorskip("chdb")

PAGE = ROOT / "schemas" / "QUESTIONS.md"
_QUESTION = re.compile(
    r"^### (?P<number>\d+)\. (?P<title>[^\n]+)\n(?:(?!^###).)*?^```sql\n(?P<sql>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
QUESTIONS = {int(m["number"]): m["sql"] for m in _QUESTION.finditer(PAGE.read_text())}


@pytest.fixture(scope="module")
def log() -> QuestionLog:
    return question_log()


@pytest.fixture(scope="module")
def facts(log: QuestionLog) -> NaiveFacts:
    return NaiveFacts(log)


@pytest.fixture(scope="module")
def replayed(log: QuestionLog, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readable]:
    folder = tmp_path_factory.mktemp("questions")
    file = folder / "log.jsonl"
    log.write(file)
    settings = read_settings({"HEADWATER_DATA": str(folder)})
    report = run_replay(settings, [Path(file)], 1000, ignore_progress, is_into=False)
    assert report.accounting.reconciled
    with stored(settings) as store:
        yield store


def test_the_page_has_thirty_questions_and_each_has_a_naive_answer() -> None:
    assert list(QUESTIONS) == list(range(1, 31))
    assert set(ANSWERS) == set(QUESTIONS)


@pytest.mark.parametrize("number", QUESTIONS)
def test_the_answer_is_that_of_a_naive_reader(
    replayed: Readable, facts: NaiveFacts, number: int
) -> None:
    rows = rows_for(replayed, QUESTIONS[number], ReadLimits()).rows
    expected = list(ANSWERS[number](facts))
    assert rows, "a question without an answer proves nothing"
    assert _comparable(rows) == _comparable(expected)


def _comparable(rows: list[tuple[Any, ...]]) -> list[Any]:
    """In one order; money and quotients with nine digits that count."""
    return sorted((tuple(map(_value, row)) for row in rows), key=repr)


def _value(value: Any) -> Any:
    if isinstance(value, date):
        return str(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        return value
    return float(f"{float(value):.7g}") if math.isfinite(value) else str(value)
