"""`headwater report`: the charts of the board as one file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from streams.cli.output import answer_json, folder_option, json_option, say, settings_for


@click.command("report")
@click.option(
    "--html",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File to write. Example: monday.html",
)
@click.option("--app", default="", metavar="APP_ID", help="This app only. Default: all.")
@click.option(
    "--days",
    type=click.IntRange(1, 365),
    default=30,
    show_default=True,
    help="How many days it covers.",
)
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="Last day that it covers. Default: the newest day of the log.",
)
@folder_option
@json_option
def report_command(
    file: Path, app: str, days: int, until: datetime | None, folder: Path | None, as_json: bool
) -> None:
    """Write the main charts of the board to one HTML file, to be sent or kept.

    Campaigns, cohorts, models and fraud of an app and some days, each chart with its rows and its
    SQL. The file needs no other file and asks no host; rows of single users are not in it.

    \b
    Example:
      headwater report --html monday.html --app com.example.puzzle --days 28
    """
    from streams.board.report import ReportPlan, write_report

    plan = ReportPlan(file, app, days, until.date() if until else None)
    done = write_report(settings_for(folder), plan)
    for line in done.refused:
        say(f"not answered: {line}")
    if as_json:
        answer_json({"file": str(file), "panels": done.panels, "bytes": done.bytes,
                     "refused": done.refused})  # fmt: skip
    else:
        say(f"{file}: {done.panels} panels, {done.bytes:,} bytes")
