"""`headwater credit`: multi-touch attribution of a file of paths."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from attribution.multi_touch.models import HALF_LIFE_POSITIONS, MODELS, ORDERS_SAMPLED, Model
from streams.cli.output import answer_json, answer_table, json_option, progress, seed_option

if TYPE_CHECKING:
    from streams.operations.path_credit import CreditPlan, CreditReport


@click.command("credit")
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE"
)
@click.option(
    "--model",
    type=click.Choice(MODELS),
    required=True,
    help="How to share the credit for a path among its channels.",
)
@click.option(
    "--order",
    type=click.IntRange(1),
    help="Number of channels that a state of the Markov chain remembers (default: 1). With "
    "shapley: play the game on such a chain. Example: 2",
)
@click.option(
    "--half-life",
    type=click.FloatRange(0, min_open=True),
    help=f"With time_decay: positions after which the weight of a touchpoint halves (default: "
    f"{HALF_LIFE_POSITIONS:g}). Example: 2",
)
@click.option(
    "--permutations",
    type=click.IntRange(2, 1_000_000),
    help=f"With shapley and more than 12 channels: orders to sample, each with its reverse "
    f"(default: {ORDERS_SAMPLED}).",
)
@seed_option
@json_option
def credit_command(file: Path, model: str, seed: int, as_json: bool, **chosen: Any) -> None:
    """Share the credit for conversions among the channels of paths.

    FILE is CSV, plain or gzip, with a header and these columns: path (channels with > between
    them), conversions, value, and nulls (paths like it that ended without a conversion).

    \b
    Models:
      first, last   all to the first, or the last, touchpoint
      linear        the same to every touchpoint
      time_decay    less to earlier touchpoints, by half every --half-life positions
      position      40 % to the first, 40 % to the last, 20 % to those between
      markov        what would be lost without the channel, in a Markov chain
      shapley       what the channel adds to the others: exact on whole paths; with
                    --order on a Markov chain, exact up to 12 channels, sampled above

    \b
    Example:
      headwater credit paths.csv --model markov --order 2
    """
    from streams.operations.path_credit import run_credit

    plan = _plan(cast(Model, model), seed, chosen)
    with progress(is_quiet=as_json) as advance:
        report = run_credit(file, plan, advance)
    if as_json:
        answer_json(report.as_json())
    else:
        answer_table(*_table(report))


def _plan(model: Model, seed: int, chosen: dict[str, Any]) -> CreditPlan:
    from streams.operations.path_credit import CreditPlan

    applies = {
        "order": model in ("markov", "shapley"),
        "half_life": model == "time_decay",
        "permutations": model == "shapley" and chosen["order"] is not None,
    }
    for option, value in chosen.items():
        if value is not None and not applies[option]:
            name = option.replace("_", "-")
            raise click.UsageError(f"--{name} has no effect with --model {model}: leave it out")
    return CreditPlan(
        model,
        chosen["order"],
        chosen["half_life"] or HALF_LIFE_POSITIONS,
        chosen["permutations"] or ORDERS_SAMPLED,
        seed,
    )


def _table(report: CreditReport) -> tuple[list[str], list[list[Any]]]:
    columns = ["channel", "conversions", "value"]
    rows = [[name, share.conversions, share.value] for name, share in report.channels.items()]
    for beside in ("removal_effects", "standard_error"):
        if beside in report.extra:
            columns.append(beside.replace("_", " ").removesuffix("s"))
            for row in rows:
                row.append(report.extra[beside][row[0]]["conversions"])
    return columns, rows
