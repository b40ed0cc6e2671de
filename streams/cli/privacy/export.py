"""`headwater privacy export`: everything that is held about a person."""

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


@click.command("export")
@click.argument("request_id", metavar="REQUEST")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The JSON file to write; a page to read is written beside it, with .html.",
)
@click.option("--force", is_flag=True, help="Replace both files if they exist.")
@folder_option
@json_option
def privacy_export_command(
    request_id: str, out: Path, folder: Path | None, as_json: bool, force: bool
) -> None:
    """Write everything that is held about a person to a file.

    REQUEST is the subject_request_id of a request for access; of an erasure, until `headwater
    privacy run`. Every table is searched, dead letters and quarantine too: decisions with their
    reasons, predictions with what they rest on, money, consent and receipts. The files hold
    personal data, and are readable to their owner only.

    \b
    Example:
      headwater privacy export dsr-2026-18 --out jane.json
    """
    from streams.operations.privacy import export_person

    def advance(table: str) -> None:
        if not as_json:
            say(f"{table} …")

    done = export_person(settings_for(folder), request_id, out, replaces=force, advance=advance)
    files = {"data": str(done.data_file), "page": str(done.page_file)}
    if as_json:
        answer_json({"rows": done.rows, "withheld": done.withheld, "files": files})
        return
    if done.rows:
        answer_table(("table", "rows"), sorted(done.rows.items()))
    else:
        answer_text("Nothing is held about this person.")
    if done.withheld:
        answer_text(f"Not given out, because many installs share it: {done.withheld} ids.")
    answer_text(f"Written to {files['data']}, and to read to {files['page']}.")
