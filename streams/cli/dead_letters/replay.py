"""`headwater dead-letters replay`: publish those that can be read now."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from schemas import topics
from schemas.decode import Defect
from streams.cli.output import answer_json, answer_text, folder_option, json_option, settings_for


@click.command("replay")
@click.option(
    "--reason",
    type=click.Choice([*(reason.value for reason in Defect), "quarantined"]),
    metavar="REASON",
    help="Only those with this reason, as `dead-letters list` shows it. Example: unknown_version",
)
@click.option(
    "--topic",
    type=click.Choice([topic.name for topic in topics.SOURCES]),
    metavar="TOPIC",
    help="Only those of this topic. Example: payments",
)
@click.option("--app", default="", metavar="APP", help="Only those of this app. Example: com.game")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    metavar="TIME",
    help="Only those that reached Kafka from this time on, in UTC. Example: 2026-11-29",
)
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="At most so many. Example: 1000"
)
@click.option("--dry-run", is_flag=True, help="Only say how many can be read now; publish nothing.")
@folder_option
@json_option
def dead_letters_replay_command(
    folder: Path | None, as_json: bool, dry_run: bool, since: datetime | None, **chosen: Any
) -> None:
    """Publish dead letters again, byte for byte, to the topics they came from.

    Use it after the cause is mended: a newer version reads them, or a setting was wrong. Each is
    read first, and one that would fail again is not published. An event that was already processed
    does not count twice, because events are known by their ids.

    \b
    Example:
      headwater dead-letters replay --reason unknown_version --dry-run
    """
    from streams.operations.dead_letters import Chosen, publish_again, try_again

    since_ms = int(since.replace(tzinfo=UTC).timestamp() * 1000) if since else 0
    named = {name: value for name, value in chosen.items() if value is not None}
    letters = Chosen(since_ms=since_ms, **named)
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
    if as_json:
        answer_json(answer)
    else:
        answer_text(text)
