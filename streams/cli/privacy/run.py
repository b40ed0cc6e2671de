"""`headwater privacy run`: make the stored rows of erased people anonymous."""

from __future__ import annotations

from pathlib import Path

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


@click.command("run")
@folder_option
@json_option
def privacy_run_command(folder: Path | None, as_json: bool) -> None:
    """Make the rows of everybody who asked to be forgotten anonymous, in every table.

    Ids are replaced by a keyed hash, so that sums, cohorts and counts stay as they are. Workers may
    go on. Interrupted, the next run goes on; run again, it takes what has arrived since, such as a
    late refund or a replay. Between the two steps of a table its changed rows stand there twice.

    \b
    Example:
      headwater privacy run
    """
    from streams.operations.privacy import run_erasure

    def advance(table: str) -> None:
        if not as_json:
            say(f"{table} …")

    done = run_erasure(settings_for(folder), advance)
    rows = {one.table: one.rows for one in done if one.rows}
    if as_json:
        answer_json({"rows": sum(rows.values()), "tables": rows})
    elif rows:
        answer_table(("table", "rows made anonymous"), sorted(rows.items()))
    else:
        answer_text("Every row of everybody who asked to be forgotten is anonymous already.")
