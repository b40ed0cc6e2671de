"""`headwater credit`: credit per channel from a file of paths."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from attribution.multi_touch.models import HALF_LIFE_POSITIONS, MODELS, ORDERS_SAMPLED, Model
from streams.cli.output import answer_json, answer_table, json_option, progress, seed_option

if TYPE_CHECKING:
    from streams.operations.path_credit import CreditPlan, CreditReport


@click.command()
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE"
)
@click.option(
    "--model",
    type=click.Choice(MODELS),
    required=True,
    help="How to share the credit of a path among its channels.",
)
@click.option(
    "--order",
    type=click.IntRange(1),
    help="Channels a Markov state remembers (default: 1). With shapley: play on such a chain.",
)
@click.option(
    "--half-life",
    type=click.FloatRange(0, min_open=True),
    help=f"Positions in which time_decay halves (default: {HALF_LIFE_POSITIONS:g}).",
)
@click.option(
    "--permutations",
    type=click.IntRange(2, 1_000_000),
    help=f"Orders that shapley samples of many channels, and their reverses "
    f"(default: {ORDERS_SAMPLED}).",
)
@seed_option
@json_option
def credit(file: Path, model: str, seed: int, as_json: bool, **chosen: Any) -> None:
    """Share conversions and their value among the channels of paths.

    FILE is CSV, plain or gzip, with the columns path (channels with > between them),
    conversions, value and nulls (how often the path ended without a conversion).

    \b
    first, last   everything to one end of the path
    linear        every touchpoint the same
    time_decay    less with every later touchpoint
    position      40 % first, 40 % last, 20 % between
    markov        by what would be lost without the channel, in a Markov chain
    shapley       by what the channel adds to any others: exact on whole paths; with
                  --order on a Markov chain, exact for 12 channels, sampled for more

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

    heard = {
        "order": model in ("markov", "shapley"),
        "half_life": model == "time_decay",
        "permutations": model == "shapley" and chosen["order"] is not None,
    }
    for option, value in chosen.items():
        if value is not None and not heard[option]:
            name = option.replace("_", "-")
            raise click.UsageError(f"--{name} means nothing to --model {model}")
    return CreditPlan(
        model,
        chosen["order"],
        chosen["half_life"] or HALF_LIFE_POSITIONS,
        chosen["permutations"] or ORDERS_SAMPLED,
        seed,
    )


def _table(report: CreditReport) -> tuple[list[str], list[list[Any]]]:
    columns = ["channel", "conversions", "value"]
    rows = [[name, one.conversions, one.value] for name, one in report.channels.items()]
    for beside in ("removal_effects", "standard_error"):
        if beside in report.extra:
            columns.append(beside.replace("_", " ").removesuffix("s"))
            for row in rows:
                row.append(report.extra[beside][row[0]]["conversions"])
    return columns, rows
