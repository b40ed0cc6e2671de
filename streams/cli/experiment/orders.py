"""`headwater experiment start`, `ramp`, `stop`, `ship` and `list`: orders in the log."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import click

from streams.cli.output import (
    answer_json,
    answer_table,
    answer_text,
    folder_option,
    json_option,
    say,
    settings_for,
)

_app_option = click.option(
    "--app", help="App of the experiment (default: the one that the store knows)."
)
_reason_option = click.option("--reason", default="", help="Why, for the record.")


@click.command("start")
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE"
)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    help="Share of its traffic to begin with (default: the first step of its ramp).",
)
@_reason_option
@json_option
def experiment_start_command(file: Path, share: float | None, reason: str, as_json: bool) -> None:
    """Start the experiment that FILE defines.

    The order is written to the log with the whole definition, and holds from its log time on:
    installs that reach its landmark later are assigned. `headwater experiment list` says whether it
    is obeyed.

    \b
    Example:
      headwater experiment start deploy/experiment.example.toml --share 0.05
    """
    from streams.operations.experiments.orders import start_order

    order = start_order(file, share=share, reason=reason, ordered_by=getpass.getuser())
    _give(order, as_json=as_json)


@click.command("ramp")
@click.argument("experiment")
@click.argument("share", type=click.FloatRange(0, 1, min_open=True))
@_app_option
@_reason_option
@json_option
def experiment_ramp_command(
    experiment: str, share: float, app: str | None, reason: str, as_json: bool
) -> None:
    """Widen EXPERIMENT to SHARE of its traffic.

    Whoever is assigned stays in its variant.

    \b
    Example:
      headwater experiment ramp spend-offer 0.25
    """
    _order("ramp", experiment, app, share=share, reason=reason, as_json=as_json)


@click.command("stop")
@click.argument("experiment")
@_app_option
@_reason_option
@json_option
def experiment_stop_command(experiment: str, app: str | None, reason: str, as_json: bool) -> None:
    """Assign nobody to EXPERIMENT any more.

    Whoever is assigned is followed to the end.

    \b
    Example:
      headwater experiment stop spend-offer --reason "support is flooded"
    """
    _order("stop", experiment, app, reason=reason, as_json=as_json)


@click.command("ship")
@click.argument("experiment")
@click.argument("variant")
@_app_option
@_reason_option
@json_option
def experiment_ship_command(
    experiment: str, variant: str, app: str | None, reason: str, as_json: bool
) -> None:
    """End EXPERIMENT, and record VARIANT as what everybody gets.

    \b
    Example:
      headwater experiment ship spend-offer offer
    """
    _order("ship", experiment, app, variant=variant, reason=reason, as_json=as_json)


@click.command("list")
@folder_option
@json_option
def experiment_list_command(folder: Path | None, as_json: bool) -> None:
    """List the orders about experiments, and whether they are obeyed.

    \b
    Example:
      headwater experiment list
    """
    from streams.operations.experiments.orders import listed_orders
    from streams.wiring.store import stored

    with stored(settings_for(folder)) as store:
        orders = listed_orders(store)
    if as_json:
        answer_json({"orders": orders})
        return
    names = ("ordered_at", "experiment_id", "kind", "ramp_share", "verdict", "refusal")
    answer_table(names, [[str(order[name]) for name in names] for order in orders])


def _order(kind: str, experiment: str, app: str | None, *, as_json: bool, **details: Any) -> None:
    from streams.operations.experiments.orders import app_of_experiment, experiment_order
    from streams.settings import read_settings
    from streams.wiring.store import stored

    if app is None:
        with stored(read_settings()) as store:
            app = app_of_experiment(store, experiment)
    order = experiment_order(kind, app, experiment, ordered_by=getpass.getuser(), **details)
    _give(order, as_json=as_json)


def _give(order: dict[str, Any], *, as_json: bool) -> None:
    from streams.operations.experiments.orders import publish_order
    from streams.settings import read_settings

    order_id = publish_order(read_settings(), order)
    if as_json:
        answer_json({"order_id": order_id})
        return
    answer_text(order_id)
    say("written to the log: `headwater experiment list` says whether it is obeyed")
