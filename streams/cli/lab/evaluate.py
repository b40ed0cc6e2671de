"""`headwater evaluate`: how well it decides, on simulations whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streams.cli.lab.evaluate_payer import calibration, payer, tiers
from streams.cli.lab.evaluate_value import value as value_command
from streams.cli.lab.options import history_option, plots_option
from streams.cli.output import (
    answer_json,
    answer_table,
    json_option,
    progress,
    seed_option,
    settings_for,
)


@click.group()
def evaluate() -> None:
    """Measure decisions against the known truth of a simulation.

    Uses the rules every installation starts with, needs no services and stores nothing.
    """


for _command in (payer, value_command, calibration, tiers):
    evaluate.add_command(_command)


@evaluate.command()
@click.option(
    "--size",
    type=click.IntRange(1_000, 10_000_000),
    default=50_000,
    show_default=True,
    help="Events in each simulation.",
)
@seed_option
@click.option(
    "--fit",
    "out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Learn the pair model from HISTORY and write it here, as a section for the rule file.",
)
@click.argument(
    "history",
    nargs=-1,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="[HISTORY]...",
)
@json_option
def match(history: tuple[Path, ...], size: int, seed: int, out: Path | None, as_json: bool) -> None:
    """Who gets the credit, and how sure matches without ids are.

    With --fit the ids in HISTORY, files as `headwater replay` takes them, say who led to which
    install, and a model learns what such pairs have in common when ids are hidden.

    \b
    Example:
      headwater evaluate match --json
      headwater evaluate match --fit pairs.toml touchpoints.jsonl installs.jsonl
    """
    if (out is None) != (not history):
        raise click.UsageError("--fit FILE and HISTORY go together", click.get_current_context())
    from streams.lab.evaluation.match.history_fit import fit_history
    from streams.lab.evaluation.match.match import evaluate_match

    with progress(is_quiet=as_json) as advance:
        if out is None:
            figures = evaluate_match(seed, size, advance)
        else:
            figures = fit_history(settings_for(None), history, out, advance)
    _answer(figures, as_json)


@evaluate.command()
@click.option(
    "--persons",
    type=click.IntRange(1_000, 1_000_000),
    default=20_000,
    show_default=True,
    help="People in each of three simulated worlds.",
)
@seed_option
@json_option
def credit(persons: int, seed: int, as_json: bool) -> None:
    """How near each way of sharing credit comes to what really brought the installs.

    \b
    Example:
      headwater evaluate credit --json
    """
    from streams.lab.evaluation.credit import evaluate_credit

    with progress(is_quiet=as_json) as advance:
        figures = evaluate_credit(seed, persons, advance)
    _answer(figures, as_json)


@evaluate.command()
@click.option(
    "--size",
    type=click.IntRange(1_000, 10_000_000),
    default=100_000,
    show_default=True,
    help="Events of each generator.",
)
@seed_option
@json_option
def fraud(size: int, seed: int, as_json: bool) -> None:
    """How much fraud is found, and how many honest installs lose their credit.

    \b
    Example:
      headwater evaluate fraud --json
    """
    from streams.lab.evaluation.fraud import evaluate_fraud

    with progress(is_quiet=as_json) as advance:
        figures = evaluate_fraud(seed, size, advance)
    _answer(figures, as_json)


@evaluate.command()
@click.option(
    "--seeds",
    type=click.IntRange(1, 1_000),
    default=10,
    show_default=True,
    help="Runs at each base rate.",
)
@plots_option
@history_option
@seed_option
@json_option
def drift(
    files: tuple[Path, ...], seeds: int, plots: Path | None, seed: int, as_json: bool
) -> None:
    """How soon a change is noticed, and how often there is a false alarm.

    Labels to an alarm are counted after a shift of 0.7 log odds at base rates of 5, 10 and 30 %.
    Where outcomes are rarer it takes longer, about as many positives. With --data, tells what
    alarms there would have been.

    \b
    Example:
      headwater evaluate drift --json
      headwater evaluate drift --data installs.jsonl --data payments.jsonl
    """
    from streams.lab.evaluation.drift.drift import evaluate_drift
    from streams.lab.evaluation.drift.history_evaluation import evaluate_drift_history

    if files and plots:
        raise click.UsageError(
            "--plots and --data do not go together: there is no chart of a history",
            click.get_current_context(),
        )
    with progress(is_quiet=as_json) as advance:
        if files:
            figures = evaluate_drift_history(settings_for(None), files, advance)
        else:
            figures = evaluate_drift(seed, seeds, advance, plots)
    _answer(figures, as_json)


def _answer(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        answer_json(figures)
        return
    nested = {name: value for name, value in figures.items() if isinstance(value, dict)}
    flat: dict[tuple[str, ...], dict[str, Any]] = {}
    for name, value in nested.items():
        if any(isinstance(one, dict) for one in value.values()):
            _answer_rows(name, value)
        else:
            flat.setdefault(tuple(value), {})[name] = value
    for rows, columns in flat.items():
        _answer_rows("", {row: {name: columns[name][row] for name in columns} for row in rows})
    plain = [(name, str(value)) for name, value in figures.items() if name not in nested]
    answer_table(("figure", "value"), plain)


def _answer_rows(title: str, rows: dict[str, dict[str, Any]]) -> None:
    """One table: a row for each name, a column for each of its figures."""
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    cells = [
        (name, *(str(row.get(column, "")) for column in columns)) for name, row in rows.items()
    ]
    answer_table((title, *columns), cells)
