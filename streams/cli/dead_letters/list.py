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
    """Count dead letters by topic and reason, with an example of each.

    \b
    Example:
      headwater dead-letters list
    """
    from streams.operations.dead_letters import count_by_reason

    kinds = count_by_reason(settings_for(folder))
    if as_json:
        answer_json(
            {
                "dead_letters": sum(kind.messages for kind in kinds),
                "reasons": [kind._asdict() for kind in kinds],
            }
        )
    elif not kinds:
        answer_text("There are no dead letters.")
    else:
        answer_table(("topic", "reason", "messages", "for example"), kinds)
