"""`headwater dead-letters drop`: forget their bytes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from streams.cli.dead_letters.options import choice_options, chosen_by
from streams.cli.output import answer_json, answer_text, folder_option, json_option, settings_for
from streams.errors import Stop


@click.command("drop")
@choice_options
@click.option("--all", "is_all", is_flag=True, help="All of them, instead of a choice.")
@click.option("--dry-run", is_flag=True, help="Only say how many there are; drop nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@folder_option
@json_option
def dead_letters_drop_command(
    folder: Path | None,
    as_json: bool,
    is_all: bool,
    dry_run: bool,
    yes: bool,
    since: datetime | None,
    **chosen: Any,
) -> None:
    """Drop the stored bytes and keys of dead letters and quarantined records.

    Position, reason and detail stay, and the accounting with them; what is dropped can no longer be
    shown, exported or published again. Their topics in Kafka keep the bytes until their retention
    ends. The user of ClickHouse needs the privilege ALTER UPDATE.

    \b
    Example:
      headwater dead-letters drop --app com.game --reason missing_id --dry-run
    """
    from streams.operations.dead_letters import drop_letters, droppable

    if is_all == bool(since or any(chosen.values())):
        raise click.UsageError(
            "choose which with --reason, --topic, --app or --since, or drop --all of them"
        )
    settings, letters = settings_for(folder), chosen_by(since, **chosen)
    found = droppable(settings, letters)
    if not dry_run and found.rows:
        if not yes and not _agrees(found):
            raise Stop("nothing is dropped: answer y, or drop them with --yes")
        found = drop_letters(settings, letters)
    if as_json:
        answer_json({"dropped": not dry_run} | found._asdict())
    else:
        answer_text(f"{_words(found)} {'would be ' if dry_run else ''}dropped")


def _agrees(found: Any) -> bool:
    """No, too, where nobody can be asked."""
    try:
        return click.confirm(f"Drop the bytes of {_words(found)} for good?", err=True)
    except click.Abort:
        return False


def _words(found: Any) -> str:
    return (
        f"{found.dead_letters:,} dead letters and {found.quarantined:,} quarantined records "
        f"({found.stored_bytes:,} bytes)"
    )
