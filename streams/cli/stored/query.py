"""`headwater query`: SQL on what is stored."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.output import (
    answer_bytes,
    answer_json,
    answer_table,
    folder_option,
    json_option,
    settings_for,
)


@click.command("query")
@click.argument("sql")
@folder_option
@json_option
def query_command(sql: str, folder: Path | None, as_json: bool) -> None:
    """Run one SQL statement on the store and print the rows.

    Only reads: SELECT, WITH, SHOW, DESCRIBE, EXPLAIN and EXISTS, on the tables and views of
    Headwater and on what describes them. HEADWATER_QUERY_TIMEOUT, HEADWATER_QUERY_MEMORY and
    HEADWATER_QUERY_ROWS limit it. A FORMAT clause prints the answer in that format of ClickHouse.

    Start with the views v_campaign_daily, v_attributions, v_revenue, v_freshness and the table
    predictions; SHOW TABLES lists all. DESCRIBE says what each column means.

    \b
    Example:
      headwater query "DESCRIBE v_campaign_daily"
      headwater query "SELECT media_source, sum(installs) FROM v_campaign_daily GROUP BY 1"
      headwater query "SELECT * FROM v_revenue LIMIT 100 FORMAT CSVWithNames" > revenue.csv
    """
    from streams.operations.query import ask, ask_for_rows
    from streams.store.reading import Document

    settings = settings_for(folder)
    if as_json:
        rows = ask_for_rows(settings, sql)
        answer_json({"columns": rows.names, "rows": rows.rows})
        return
    answer = ask(settings, sql)
    if isinstance(answer, Document):
        answer_bytes(answer)
    else:
        answer_table(answer.names, answer.rows)
