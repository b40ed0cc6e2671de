"""`headwater migrate`: topics and tables."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.output import answer_json, answer_text, folder_option, json_option, settings_for


@click.command("migrate")
@folder_option
@json_option
def migrate_command(folder: Path | None, as_json: bool) -> None:
    """Create and check the topics and tables that workers need.

    Run it before the first worker and after every update. A second run changes nothing. Existing
    topics are checked and never altered: a wrong one is named, with the command that corrects it.

    \b
    Example:
      HEADWATER_KAFKA=broker:9092 HEADWATER_CLICKHOUSE=clickhouse://host:9000/headwater \\
        headwater migrate
    """
    from streams.operations.migrate import migrate_all

    done = migrate_all(settings_for(folder))
    if as_json:
        answer_json(done)
    else:
        topics, tables = done["topics_created"], done["migrations_applied"]
        answer_text(f"topics created: {len(topics) or 'none'}")
        answer_text(f"migrations applied: {', '.join(tables) or 'none'}")
