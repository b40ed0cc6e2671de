"""`headwater evaluate payer`, `calibration` and `tiers`: in worlds whose true chances are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from streams.cli.lab.options import history_option, plots_option
from streams.cli.output import (
    answer_json,
    answer_table,
    json_option,
    progress,
    seed_option,
    settings_for,
)
from streams.progress import Progress

if TYPE_CHECKING:
    from streams.lab.evaluation.payer.runs import PayerRun
    from streams.lab.evaluation.replay.world_plan import WorldPlan

_Command = TypeVar("_Command", bound=Callable[..., Any])
_WORLDS = ("frailty", "agents", "renewal", "diffusion")
_SCENARIOS = (
    "steady",
    "campaign_shift",
    "price_change",
    "holiday",
    "late_events",
    "duplicate_payments",
    "label_outage",
    "poisoned_labels",
    "bot_installs",
    "cold_start",
)
_INSTALLS = 60_000


def what_options(installs: int) -> Callable[[_Command], _Command]:
    """Which worlds and scenarios to run; `installs` is the default number of them."""
    options = (
        click.option(
            "--world",
            "worlds",
            type=click.Choice(_WORLDS),
            multiple=True,
            help="Only this kind of people; may be repeated.",
        ),
        click.option(
            "--scenario",
            "disturbances",
            type=click.Choice(_SCENARIOS),
            multiple=True,
            help="Only this scenario; may be repeated.",
        ),
        click.option(
            "--installs",
            type=click.IntRange(2_000, 10_000_000),
            default=installs,
            show_default=True,
            help="Installs in the sixty days of each world.",
        ),
        click.option(
            "--final", "is_final", is_flag=True, help="Also the world that no model is tuned on."
        ),
    )

    def with_options(command: _Command) -> _Command:
        for option in options:
            command = option(command)
        return command

    return with_options


@click.command()
@what_options(_INSTALLS)
@click.option("--river/--no-river", "has_river", default=True, help="Compare with River's FTRL.")
@history_option
@plots_option
@seed_option
@json_option
def payer(
    files: tuple[Path, ...], plots: Path | None, as_json: bool, has_river: bool, **chosen: Any
) -> None:
    """How near predictions of who will pay come to the true chances.

    With --data everybody learns a history of one's own in order of time, and predictions are held
    against what came true.

    \b
    Example:
      headwater evaluate payer --world agents --scenario steady --plots charts
      headwater evaluate payer --data installs.jsonl --data payments.jsonl
    """
    if files:
        _answer_history(files, plots, as_json)
        return
    from streams.lab.evaluation.payer.payer import evaluate_payer

    with progress(is_quiet=as_json) as advance:
        found = evaluate_payer(_plan(**chosen), advance, plots, has_river=has_river)
    _answer(found, as_json, _payer_row)


def _answer_history(files: tuple[Path, ...], plots: Path | None, as_json: bool) -> None:
    from streams.lab.evaluation.payer.history_evaluation import evaluate_payer_history

    with progress(is_quiet=as_json) as advance:
        found = evaluate_payer_history(settings_for(None), files, advance, plots)
    _answer(found, as_json, _history_row)


@click.command()
@what_options(_INSTALLS)
@history_option
@plots_option
@seed_option
@json_option
def calibration(files: tuple[Path, ...], plots: Path | None, as_json: bool, **chosen: Any) -> None:
    """Whether those of whom it is said that one in twenty pays do so.

    \b
    Example:
      headwater evaluate calibration --scenario campaign_shift --plots charts
      headwater evaluate calibration --data history.jsonl
    """
    from streams.lab.evaluation.payer.calibration import calibration_of, evaluate_calibration

    with progress(is_quiet=as_json) as advance:
        if files:
            found = calibration_of([_history_run(files, advance)], plots)
        else:
            found = evaluate_calibration(_plan(**chosen), advance, plots)
    _answer(found, as_json, _calibration_row)


@click.command()
@what_options(_INSTALLS)
@history_option
@seed_option
@json_option
def tiers(files: tuple[Path, ...], as_json: bool, **chosen: Any) -> None:
    """What it costs when the model cannot answer and the next tier does.

    \b
    Example:
      headwater evaluate tiers --world renewal --scenario steady
      headwater evaluate tiers --data history.jsonl
    """
    from streams.lab.evaluation.payer.tiers import evaluate_tiers, tiers_of

    with progress(is_quiet=as_json) as advance:
        if files:
            found = tiers_of([_history_run(files, advance)])
        else:
            found = evaluate_tiers(_plan(**chosen), advance)
    _answer(found, as_json, _tiers_row)


def _history_run(files: tuple[Path, ...], advance: Progress) -> PayerRun:
    from streams.lab.evaluation.payer.history_evaluation import payer_history_run

    return payer_history_run(settings_for(None), files, advance)


def _plan(**chosen: Any) -> WorldPlan:
    from streams.lab.evaluation.replay.world_plan import WorldPlan

    return WorldPlan(**chosen)


def _answer(
    found: dict[str, dict[str, Any]],
    as_json: bool,
    row: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    if as_json:
        answer_json(found)
        return
    for world, disturbances in found.items():
        rows = {name: row(one) for name, one in disturbances.items()}
        columns = list(next(iter(rows.values())))
        answer_table(
            (world, *columns), [(name, *_cells(one, columns)) for name, one in rows.items()]
        )


def _cells(row: dict[str, Any], columns: list[str]) -> Iterator[Any]:
    for column in columns:
        value = row[column]
        yield "" if value is None else value


def _payer_row(one: dict[str, Any]) -> dict[str, Any]:
    others = one["challengers"]
    return {
        "D7 excess": one["d7_excess_ne"],
        "days 3–7": one["d7_excess_ne_after_shift"],
        **{f"D7 {name}": figures["d7_excess_ne"] for name, figures in others.items()},
        "D30 excess": one["d30_excess_ne"],
        "D30 waiting": others["waiting"]["d30_excess_ne"],
        "ratio": one["calibration_ratio"],
        "ratio in 7 days": one["calibration_ratio_after_shift"],
        "ECE": one["ece"],
        "AUC": one["auc"],
        "AUC of truth": one["auc_of_truth"],
    }


def _history_row(one: dict[str, Any]) -> dict[str, Any]:
    challengers = one["challengers"].items()
    return {
        "D7 entropy": one["d7_normalised_entropy"],
        **{f"D7 {name}": figures["d7_normalised_entropy"] for name, figures in challengers},
        "D30 entropy": one["d30_normalised_entropy"],
        "ratio": one["calibration_ratio"],
        "ECE": one["ece"],
        "AUC": one["auc"],
        **{f"loss {name}": loss for name, loss in one["log_loss"].items()},
        "predictions": one["predictions"],
    }


def _calibration_row(one: dict[str, Any]) -> dict[str, Any]:
    worst = max(one["by_landmark"].items(), key=lambda item: float(item[1]["ece"]))
    return {
        "ratio": one["calibration_ratio"],
        "ECE": one["ece"],
        "D30 ratio": one["d30_calibration_ratio"],
        "D30 ECE": one["d30_ece"],
        "worst landmark": worst[0],
        "its ECE": worst[1]["ece"],
        "predictions": one["predictions"],
    }


def _tiers_row(one: dict[str, Any]) -> dict[str, Any]:
    return {
        **one["log_loss"],
        "ordered": "yes" if one["is_ordered"] else "no",
        "unanswered": sum(one["unanswered"].values()),
        "predictions": one["predictions"],
    }
