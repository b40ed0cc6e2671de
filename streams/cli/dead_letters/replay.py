"""`headwater dead-letters replay`: publish those that can be read now."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from streams.cli.dead_letters.options import choice_options, chosen_by, limit_option
from streams.cli.output import (
    answer_json,
    answer_text,
    folder_option,
    json_option,
    say,
    settings_for,
)


@click.command("replay")
@choice_options
@limit_option
@click.option("--dry-run", is_flag=True, help="Only say how many can be read now; publish nothing.")
@folder_option
@json_option
def dead_letters_replay_command(
    folder: Path | None, as_json: bool, dry_run: bool, since: datetime | None, **chosen: Any
) -> None:
    """Publish dead letters again, byte for byte, to the topics they came from.

    Use it after the cause is mended: a newer version reads them, or a setting was wrong. Each is
    read first, and one that would fail again is not published. An event that was already processed
    does not count twice, because events are known by their ids. Messages of a flood were counted
    and not copied: they are read from their topic, as long as it keeps them.

    \b
    Example:
      headwater dead-letters replay --reason unknown_version --dry-run
    """
    from streams.operations.dead_letters import publish_again, try_again

    letters = chosen_by(since, **chosen)
    if dry_run:
        found = try_again(settings_for(folder), letters)
        answer = found.as_json()
        text = f"{answer['readable']:,} can be read now, {answer['unreadable']:,} cannot"
    else:
        published, found = publish_again(settings_for(folder), letters)
        answer = {"published": published} | found.as_json()
        text = (
            f"{published:,} messages published again,"
            f" {answer['unreadable']:,} cannot be read and stay where they are"
        )
    if gone := found.gone.line():
        say(gone)
    if as_json:
        answer_json(answer)
    else:
        answer_text(text)
