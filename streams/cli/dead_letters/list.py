"""`headwater dead-letters list`: how many there are, and why."""

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


@click.command("list")
@folder_option
@json_option
def dead_letters_list_command(folder: Path | None, as_json: bool) -> None:
    """Count dead letters by topic and reason, and name quarantined keys.

    Each reason has an example, and tells how many had their bytes dropped.

    \b
    Example:
      headwater dead-letters list
    """
    from streams.operations.dead_letters import count_by_reason, quarantined_keys

    settings = settings_for(folder)
    kinds, keys = count_by_reason(settings), quarantined_keys(settings)
    if as_json:
        answer_json(
            {
                "dead_letters": sum(kind.messages for kind in kinds),
                "reasons": [kind._asdict() for kind in kinds],
                "quarantined_keys": [key._asdict() for key in keys],
            }
        )
        return
    if kinds:
        answer_table(("topic", "reason", "messages", "for example", "bytes dropped"), kinds)
    else:
        answer_text("There are no dead letters.")
    if keys:
        answer_text("Keys that lack what was quarantined, the latest first:")
        answer_table(("key", "app", "install", "stage", "kind", "error", "records"), keys)
