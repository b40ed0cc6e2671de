"""`headwater dead-letters show`: one of them, with its bytes."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.output import answer_json, answer_text, folder_option, json_option, settings_for
from streams.errors import Stop


@click.command("show")
@click.argument("name", metavar="ID|TOPIC/PARTITION/OFFSET")
@folder_option
@json_option
def dead_letters_show_command(name: str, folder: Path | None, as_json: bool) -> None:
    """Show one dead letter or quarantined record: place, reason, advice, bytes.

    Name it by its position in the log, by the event_id in it, or by the quarantine_id of the table
    `quarantined`. Bytes are printed as text where they are UTF-8, and otherwise as hex; a
    quarantined record shows where it was raised.

    \b
    Example:
      headwater dead-letters show payments/3/1207
    """
    from streams.operations.dead_letters import letter_text, letters_named

    letters = letters_named(settings_for(folder), name)
    if not letters:
        raise Stop(
            f"nothing is set aside under {name!r}: give a TOPIC/PARTITION/OFFSET, an event_id or a "
            "quarantine_id; `headwater dead-letters list` counts what there is"
        )
    if as_json:
        answer_json({"letters": [letter.as_json() for letter in letters]})
    else:
        answer_text("\n\n".join(letter_text(letter) for letter in letters))
