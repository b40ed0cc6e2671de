"""`headwater dead-letters`: messages set aside, and back again."""

from __future__ import annotations

from pathlib import Path

import click

from schemas.decode import Defect
from streams.cli.output import (
    answer_json,
    answer_table,
    answer_text,
    folder_option,
    json_option,
    settings_for,
)


@click.group("dead-letters")
def dead_letters() -> None:
    """See and replay messages that could not be read.

    Each is kept whole: its original bytes, where it was, and a reason.
    """


@dead_letters.command("list")
@folder_option
@json_option
def list_(folder: Path | None, as_json: bool) -> None:
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


@dead_letters.command("replay")
@click.option(
    "--reason",
    type=click.Choice([reason.value for reason in Defect]),
    metavar="REASON",
    help="Only those set aside for this reason (see `dead-letters list`).",
)
@folder_option
@json_option
def replay(reason: str | None, folder: Path | None, as_json: bool) -> None:
    """Publish dead letters again, byte for byte, to the topic they came from.

    For after a fix: a corrected schema, a wrong setting. What is read twice counts once,
    because events are known by their ids.

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
