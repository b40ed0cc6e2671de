"""`headwater query`: SQL on what is stored."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.output import answer_json, answer_table, folder_option, json_option, settings_for


@click.command("query")
@click.argument("sql")
@folder_option
@json_option
def query_command(sql: str, folder: Path | None, as_json: bool) -> None:
    """Run one SQL statement on the store and print the rows.

    Statements that would change something are refused. Start with the views v_campaign_daily,
    v_attributions, v_revenue, v_freshness and the table predictions; SHOW TABLES lists all.
    DESCRIBE says what each column means.

    \b
    Example:
      headwater query "DESCRIBE v_campaign_daily"
      headwater query "SELECT media_source, sum(installs) FROM v_campaign_daily GROUP BY 1"
    """
    from streams.operations.query import ask

    answer = ask(settings_for(folder), sql)
    if as_json:
        answer_json({"columns": answer.names, "rows": answer.rows})
    else:
        answer_table(answer.names, answer.rows)
