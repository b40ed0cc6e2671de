"""`headwater evaluate value`: what installs will be worth, against the truth or a history."""

from __future__ import annotations

from typing import Any

import click

from streams.cli.evaluate_paying import what_options
from streams.cli.output import answer_json, answer_table, json_option, progress, seed_option


@click.command()
@what_options(120_000)
@seed_option
@json_option
def value(as_json: bool, **chosen: Any) -> None:
    """How near expected revenue by day 7, 30 and 90 comes to what people are worth.

    \b
    Example:
      headwater evaluate value --world agents --scenario steady
    """
    from streams.evaluation.value import ValuePlan, evaluate_value

    with progress(is_quiet=as_json) as advance:
        found = evaluate_value(ValuePlan(**chosen), advance)
    if as_json:
        answer_json(found)
        return
    for world, disturbances in found.items():
        rows = [(name, *_cells(one)) for name, one in disturbances.items()]
        answer_table((world, *_COLUMNS), rows)


_COLUMNS = tuple(
    f"{horizon} {figure}"
    for horizon in ("D7", "D30", "D90")
    for figure in ("Gini of oracle", "decile MAPE", "ratio")
)


def _cells(one: dict[str, Any]) -> list[str]:
    return [
        f"{one[horizon][figure]:.3f}"
        for horizon in ("d7", "d30", "d90")
        for figure in ("gini_of_oracle", "decile_mape", "total_ratio")
    ]
