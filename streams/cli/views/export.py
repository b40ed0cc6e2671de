"""`headwater export`: a view as a file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from streams.cli.output import answer_json, folder_option, json_option, say, settings_for


@click.command("export")
@click.argument("view")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["parquet", "csv", "arrow"]),
    default="parquet",
    show_default=True,
    help="Format of the file; csv has the names of the columns in its first line.",
)
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="Rows of this day and later ones only. Example: 2026-01-15",
)
@click.option("--app", metavar="APP_ID", help="Rows of this app only.")
@click.option(
    "--zone",
    default="UTC",
    show_default=True,
    help="Time zone in which --since begins, where rows have a time. Example: Europe/Berlin",
)
@click.option(
    "--out",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write. Default: the name of the view, with the format as its ending.",
)
@folder_option
@json_option
def export_command(
    view: str,
    kind: str,
    file: Path | None,
    folder: Path | None,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Write the rows of a view to a file: Parquet, CSV or Arrow.

    The file appears when it is complete. HEADWATER_QUERY_ROWS limits how many rows it may have.
    Parquet and Arrow are written by the embedded store; for a server use csv.

    \b
    Example:
      headwater export v_cohorts --since 2026-01-15 --app com.example.puzzle
      headwater export v_scores_now --format csv --out reach.csv
    """
    from streams.operations.export import FORMATS, ExportPlan, export_view

    file = file or Path(f"{view}.{kind}")
    since: datetime | None = chosen.pop("since")
    day = since.date() if since else None
    plan = ExportPlan(view, FORMATS[kind], file, since=day, **chosen)
    done = export_view(settings_for(folder), plan)
    if as_json:
        answer_json({"file": str(file), "rows": done.rows, "bytes": done.bytes})
    else:
        say(f"{file}: {done.rows:,} rows, {done.bytes:,} bytes")
