"""`headwater privacy verify`: search the tables for the people of a request."""

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


@click.command("verify")
@click.argument("request_id", metavar="REQUEST")
@folder_option
@json_option
def privacy_verify_command(request_id: str, folder: Path | None, as_json: bool) -> int:
    """Search every table for rows that still name the people of a request.

    REQUEST is its subject_request_id. The exit code is 1 if a row names somebody, or if
    `headwater privacy run` has not taken up the request yet.

    \b
    Example:
      headwater privacy verify dsr-2026-17
    """
    from streams.operations.privacy import verify_request

    status, searched = verify_request(settings_for(folder), request_id)
    naming = sum(one.naming for one in searched) if status.is_taken_up else None
    is_gone = naming == 0
    if as_json:
        tables = [{"table": one.table, "rows": one.rows, "naming": one.naming} for one in searched]
        answer_json({"is_gone": is_gone, "naming": naming, "tables": tables})
        return 0 if is_gone else 1
    if naming is None:
        answer_text(
            "Rows still name the person: `headwater privacy run` has not taken up this request."
        )
        return 1
    answer_table(
        ("table", "rows looked at", "rows that name the person"),
        [(one.table, one.rows, one.naming) for one in searched],
    )
    if is_gone:
        answer_text("No row of these tables names the person. Topics and state were not searched.")
    else:
        answer_text("Run `headwater privacy run`, then verify again.")
    return 0 if is_gone else 1
