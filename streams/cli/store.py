"""`headwater query` and `headwater digest`: what is stored."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.output import answer_json, answer_table, folder_option, json_option, settings_for


@click.command()
@click.argument("sql")
@folder_option
@json_option
def query(sql: str, folder: Path | None, as_json: bool) -> None:
    """Run one SQL statement on the store and print the answer.

    Start with the views: v_campaign_daily, v_attributions, v_revenue, v_freshness.

    \b
    Example:
      headwater query "SELECT media_source, sum(installs) FROM v_campaign_daily GROUP BY 1"
    """
    from streams.operations.query import ask

    answer = ask(settings_for(folder), sql)
    if as_json:
        answer_json({"columns": answer.names, "rows": answer.rows})
    else:
        answer_table(answer.names, answer.rows)


@click.command()
@click.option(
    "--converged",
    is_flag=True,
    help="Only what must not depend on how partitions interleave.",
)
@click.option("--model", help="With --converged: predictions of this model version too.")
@folder_option
@json_option
def digest(converged: bool, model: str | None, folder: Path | None, as_json: bool) -> None:
    """Print a sha256 per table over its rows, without insertion times.

    Two stores with equal digests hold the same facts.

    \b
    Example:
      headwater digest --converged
    """
    from streams.operations.query import digest_of

    found = digest_of(settings_for(folder), is_converged=converged, model=model)
    if as_json:
        answer_json(found)
    else:
        answer_table(("table", "sha256"), sorted(found.items()))
