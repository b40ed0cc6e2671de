"""`headwater experiment analyze`: the answer of a file of units."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from online_models.experiments.confidence_sequence import TUNED_FOR
from streams.cli.output import (
    answer_json,
    answer_table,
    answer_text,
    json_option,
    progress,
    say,
)
from streams.errors import writing_to

if TYPE_CHECKING:
    from streams.operations.experiments.experiment_report import ReportedLooks


@click.command("analyze")
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE"
)
@click.option(
    "--variant", required=True, help="Column with the variant of each unit. Example: group"
)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    required=True,
    help="Column to compare, or a ratio of two: revenue/orders. Numbers, or true and false. The "
    "first is the primary one. Repeat for more.",
)
@click.option("--unit", help="Column with the id of each unit: finds units that are there twice.")
@click.option(
    "--covariate",
    "covariates",
    multiple=True,
    help="Column with a number that was known before the assignment, such as past revenue or a "
    "prediction: takes noise out. Repeat for more.",
)
@click.option("--control", help="Name of the variant that the others are compared with.")
@click.option(
    "--weights",
    help="Shares that were meant, for the test of the split (default: all alike). "
    "Example: off=20,on=80",
)
@click.option(
    "--tuned-for",
    type=click.FloatRange(1),
    default=float(TUNED_FOR),
    show_default=True,
    help="Number of units at which intervals are narrowest. Choose it before you look.",
)
@click.option(
    "--time",
    help="Column with the time or day at which each unit came in: says what would have been seen "
    "at the end of each day.",
)
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --time: file for a picture of the primary metric at each look. Example: looks.svg",
)
@click.option("--empty-is-zero", is_flag=True, help="Read empty cells as 0.")
@click.option("--decimal-comma", is_flag=True, help="Read 1.234,5 as one thousand and some.")
@json_option
def experiment_analyze_command(
    file: Path, weights: str | None, picture: Path | None, as_json: bool, **given: Any
) -> None:
    """Say what the units of any experiment show, however often anybody looked.

    FILE is CSV, plain or gzip, with a header and one row for each unit. Intervals are 95 %
    confidence sequences: they hold at every look together, so the file of a running experiment may
    be analyzed every day. Beside them stands what one look that was planned beforehand would say.

    The JSON has the figures of each metric; with several treatments, by treatment. A bound is null
    while a variant has fewer than 100 units or 30 payers; one of a relative lift also while the
    mean of the control is not known to 40 %.

    \b
    Example:
      headwater experiment analyze users.csv --unit id --variant group --metric retention_7 \\
        --metric revenue/orders --covariate past_revenue
    """
    from streams.operations.experiments import CellRules, FilePlan, analyze_file

    if picture and not given["time"]:
        raise click.UsageError("--picture has no effect without --time COLUMN")
    plan = FilePlan(
        variant=given["variant"],
        metrics=given["metrics"],
        unit=given["unit"],
        covariates=given["covariates"],
        control=given["control"],
        time=given["time"],
        cells=CellRules(given["empty_is_zero"], given["decimal_comma"]),
    )
    with progress(is_quiet=as_json) as advance:
        report = analyze_file(file, plan, _weights(weights), given["tuned_for"], advance)
    if picture and report.looks:
        _draw(picture, report.looks)
    if as_json:
        answer_json(report.as_json())
        return
    for sentence in report.sentences():
        answer_text(sentence)
    answer_table(*report.table())
    say(f"read in {report.read_s:.2f} s, analyzed in {report.analyzed_s:.2f} s")


def _draw(picture: Path, looks: ReportedLooks) -> None:
    from streams.operations.experiments import looks_picture

    first = looks.looks[0]
    drawn = looks_picture(first, looks.periods, f"{first.metric}: {first.variant} beside control")
    with writing_to(picture):
        picture.write_text(drawn, encoding="utf-8")


def _weights(text: str | None) -> dict[str, float]:
    """Shares by variant, of `off=20,on=80`."""
    weights: dict[str, float] = {}
    for part in text.split(",") if text else ():
        name, _, share = part.rpartition("=")
        try:
            weights[name.strip()] = float(share)
        except ValueError:
            weights[name.strip()] = math.nan
        if not name.strip() or not 0.0 < weights[name.strip()] < math.inf:
            raise click.UsageError(
                f"--weights {part.strip()!r}: write NAME=SHARE with a share above 0, as in "
                "off=20,on=80"
            )
    return weights
