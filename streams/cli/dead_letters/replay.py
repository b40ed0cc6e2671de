"""`headwater dead-letters replay`: publish them again."""

from __future__ import annotations

from pathlib import Path

import click

from schemas.decode import Defect
from streams.cli.output import answer_json, answer_text, folder_option, json_option, settings_for


@click.command("replay")
@click.option(
    "--reason",
    type=click.Choice([reason.value for reason in Defect]),
    metavar="REASON",
    help="Only those with this reason, as `dead-letters list` shows it. Example: unknown_version",
)
@folder_option
@json_option
def dead_letters_replay_command(reason: str | None, folder: Path | None, as_json: bool) -> None:
    """Publish dead letters again, byte for byte, to the topics they came from.

    Use it after the cause is mended: a newer version reads them, or a setting was wrong. An event
    that was already processed does not count twice, because events are known by their ids.

    \b
    Example:
      headwater dead-letters replay --reason unknown_version
    """
    from streams.operations.dead_letters import publish_again

    published = publish_again(settings_for(folder), reason)
    if as_json:
        answer_json({"published": published})
    else:
        answer_text(f"{published:,} messages published again")
