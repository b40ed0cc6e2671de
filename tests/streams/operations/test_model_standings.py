"""Who answers for a target is said in one sentence, and so is why the model does not."""

from __future__ import annotations

import pytest

from online_models.targets.targets import PAYING
from streams.operations.models.model_standings import LastWeek, standing
from streams.operations.models.versions import StoredChange


def change(number: int, state: str, learned: float, reason: str = "") -> StoredChange:
    return StoredChange(
        model="payer",
        number=number,
        version=f"v{number}",
        state=state,
        live_version="",
        is_held=False,
        contestant="main",
        parent="",
        reason=reason,
        figures={"positives_learned": learned},
        learned_offset=number,
        learned_at="",
        command_id="",
    )


FEW = [change(1, "refused", 12.0, "12 positives learned"), change(2, "refused", 38.0, "unproven")]
MANY = [*FEW, change(3, "published", 250.0), change(4, "suspended", 300.0, "shown worse")]


@pytest.mark.parametrize(
    ("changes", "week", "sentence"),
    [
        (
            FEW,
            LastWeek("rates", 900, 0),
            "payer: rates answer: 38 payers so far; the model adds nothing to rates yet; "
            "about 200 are needed",
        ),
        (
            [],
            LastWeek("constant", 900, 0),
            "payer: the declared share answers: 0 payers so far; the model adds nothing to rates "
            "yet; about 200 are needed",
        ),
        (
            MANY[:3],
            LastWeek("install_only", 900, 891),
            "payer: the model answers, with 250 payers learned; it gave 99% of the predictions of "
            "the last week",
        ),
        (
            MANY,
            LastWeek("rates", 900, 783),
            "payer: the model gave 87% of the predictions of the last week, with 300 payers "
            "learned, but not the last ones: shown worse",
        ),
        (
            MANY,
            LastWeek("rates", 900, 0),
            "payer: rates answer: 300 payers so far; shown worse",
        ),
    ],
)
def test_a_sentence_says_who_answers_and_what_a_model_would_need(
    changes: list[StoredChange], week: LastWeek, sentence: str
) -> None:
    assert standing(PAYING, changes, week) == sentence


def test_a_model_that_is_held_by_hand_is_said_to_be() -> None:
    held = [*MANY, change(5, "suspended", 300.0)._replace(is_held=True)]
    sentence = standing(PAYING, held, LastWeek("rates", 900, 0))
    assert sentence == "payer: rates answer, since the model is held by hand"
