"""`headwater evaluate value`: expected revenue against the truth, or a history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streams.cli.lab.evaluate.worlds import world_options, world_plan
from streams.cli.lab.options import history_option
from streams.cli.output import (
    answer_json,
    answer_table,
    json_option,
    progress,
    seed_option,
    settings_for,
)


@click.command("value")
@world_options(200_000)
@history_option
@seed_option
@json_option
def evaluate_value_command(files: tuple[Path, ...], as_json: bool, **chosen: Any) -> None:
    """Measure expected revenue by day 7, 30 and 90 against the truth.

    With --data, the model learns your own history in order of time, and expected revenue is
    compared with what was paid later, beside a forecast from the growth of cohorts alone.

    \b
    Example:
      headwater evaluate value --world agents --scenario steady
      headwater evaluate value --data installs.jsonl --data payments.jsonl
    """
    if files:
        _answer_history(files, as_json)
        return
    from streams.lab.evaluation.value.value import evaluate_value

    with progress(is_quiet=as_json) as advance:
        found = evaluate_value(world_plan(**chosen), advance)
    if as_json:
        answer_json(found)
        return
    for world, scenarios in found.items():
        rows = [(name, *_cells(figures)) for name, figures in scenarios.items()]
        answer_table((world, *_COLUMNS), rows)


def _answer_history(files: tuple[Path, ...], as_json: bool) -> None:
    from streams.lab.evaluation.value.history_evaluation import evaluate_value_history

    with progress(is_quiet=as_json) as advance:
        found = evaluate_value_history(settings_for(None), files, advance)
    if as_json:
        answer_json(found)
        return
    columns = ("predictions", *(f"{figure} {who}" for figure, _ in _FIGURES for who in _WHO))
    for horizon in ("d7", "d30", "d90"):
        rows = [
            (
                name,
                figures["predictions"],
                *(_shown(figures[who][key]) for _, key in _FIGURES for who in _WHO),
            )
            for name, figures in found[horizon].items()
        ]
        answer_table((horizon, *columns), rows)


_WHO = ("model", "cohorts")
_FIGURES = (("Gini", "gini"), ("decile MAPE", "decile_mape"), ("ratio", "total_ratio"))

_COLUMNS = tuple(
    f"{horizon} {figure}"
    for horizon in ("D7", "D30", "D90")
    for figure in ("Gini of oracle", "decile MAPE", "ratio")
)


def _cells(figures: dict[str, Any]) -> list[str]:
    return [
        _shown(figures[horizon][figure])
        for horizon in ("d7", "d30", "d90")
        for figure in ("gini_of_oracle", "decile_mape", "total_ratio")
    ]


def _shown(figure: float | None) -> str:
    """None: the figure is not defined, say because nobody paid."""
    return "" if figure is None else f"{figure:.3f}"
