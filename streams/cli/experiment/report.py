"""`headwater experiment report`: what an experiment in the log says today."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.output import (
    answer_json,
    answer_table,
    answer_text,
    folder_option,
    json_option,
    settings_for,
)


@click.command("report")
@click.argument("experiment", metavar="ID")
@click.option("--version", type=click.IntRange(1), help="Version (default: the one started last).")
@folder_option
@json_option
def experiment_report_command(
    experiment: str, version: int | None, folder: Path | None, as_json: bool
) -> None:
    """Say what an experiment shows, as of the log time that is stored.

    A unit counts once its window has passed since its first exposure. Intervals are 95 %
    confidence sequences: they hold at every look together, so look as often as you like. Amounts
    are in US dollars, net of refunds; what is refunded or told late moves them.

    The JSON has for each variant its units, mature units, and for each metric the mean, the lift
    beside the control with its interval, and the decision: higher, lower, open, early or blocked.

    \b
    Example:
      headwater experiment report spend-offer
    """
    from streams.operations.experiments import answer_of_store
    from streams.wiring.store import stored

    with stored(settings_for(folder)) as store:
        answer = answer_of_store(store, experiment, version)
    if as_json:
        answer_json(answer.as_json())
        return
    for sentence in answer.sentences():
        answer_text(sentence)
    answer_table(*answer.table())
