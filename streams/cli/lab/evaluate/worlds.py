"""What the evaluations of payers and values share: which worlds to run, and one table for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from streams.cli.output import answer_json, answer_table, settings_for
from streams.progress import Progress

if TYPE_CHECKING:
    from streams.lab.evaluation.payer.runs import PayerRun
    from streams.lab.evaluation.replay.world_plan import WorldPlan

WorldFigures = dict[str, Any]

PAYER_INSTALLS = 60_000
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


def world_options(installs: int) -> Callable[[_Command], _Command]:
    """Options that choose worlds and scenarios; `installs` is the default number of installs."""
    options = (
        click.option(
            "--world",
            "worlds",
            type=click.Choice(_WORLDS),
            multiple=True,
            help="Model of how people pay. Default: all. Repeat for several.",
        ),
        click.option(
            "--scenario",
            "disturbances",
            type=click.Choice(_SCENARIOS),
            multiple=True,
            help="What happens to the world or to its events. Default: all. Repeat for several.",
        ),
        click.option(
            "--installs",
            type=click.IntRange(2_000, 10_000_000),
            default=installs,
            show_default=True,
            help="Number of installs in the sixty days of each world.",
        ),
        click.option(
            "--final",
            "is_final",
            is_flag=True,
            help="Add the held-out world, on which no model was tuned.",
        ),
    )

    def with_options(command: _Command) -> _Command:
        for option in options:
            command = option(command)
        return command

    return with_options


def world_plan(**chosen: Any) -> WorldPlan:
    """The plan of what `world_options` and `--seed` have chosen."""
    from streams.lab.evaluation.replay.world_plan import WorldPlan

    return WorldPlan(**chosen)


def history_run(files: tuple[Path, ...], advance: Progress) -> PayerRun:
    """The run of the payer model over the history in `files`."""
    from streams.lab.evaluation.payer.history_evaluation import payer_history_run

    return payer_history_run(settings_for(None), files, advance)


def answer_worlds(
    found: dict[str, dict[str, WorldFigures]],
    as_json: bool,
    row: Callable[[WorldFigures], WorldFigures],
) -> None:
    """One table for each world; `row` makes the cells of a scenario from its figures."""
    if as_json:
        answer_json(found)
        return
    for world, scenarios in found.items():
        rows = {name: row(figures) for name, figures in scenarios.items()}
        columns = list(next(iter(rows.values())))
        answer_table(
            (world, *columns), [(name, *_cells(cells, columns)) for name, cells in rows.items()]
        )


def _cells(row: WorldFigures, columns: list[str]) -> Iterator[Any]:
    for column in columns:
        value = row[column]
        yield "" if value is None else value
