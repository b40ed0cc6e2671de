"""Options that choose dead letters, the same for every command that takes several."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from schemas import topics
from schemas.decode import Defect

if TYPE_CHECKING:
    from streams.operations.dead_letters import Chosen

_Command = TypeVar("_Command", bound=Callable[..., Any])

_LIMIT = click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="At most so many. Example: 1000"
)
_CHOICES = (
    click.option(
        "--reason",
        type=click.Choice([*(reason.value for reason in Defect), "quarantined"]),
        metavar="REASON",
        help="Only those with this reason, as `dead-letters list` shows it. "
        "Example: unknown_version",
    ),
    click.option(
        "--topic",
        type=click.Choice([topic.name for topic in topics.SOURCES]),
        metavar="TOPIC",
        help="Only those of this topic. Example: payments",
    ),
    click.option(
        "--app", default="", metavar="APP", help="Only those of this app. Example: com.game"
    ),
    click.option(
        "--since",
        type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
        metavar="TIME",
        help="Only those that reached Kafka from this time on, in UTC. Example: 2026-11-29",
    ),
)


def choice_options(command: _Command) -> _Command:
    """--reason, --topic, --app and --since."""
    for option in reversed(_CHOICES):
        command = option(command)
    return command


def limit_option(command: _Command) -> _Command:
    return _LIMIT(command)


def chosen_by(since: datetime | None, **chosen: Any) -> Chosen:
    """What the options choose; an option that is not given is None."""
    from streams.operations.dead_letters import Chosen

    since_ms = int(since.replace(tzinfo=UTC).timestamp() * 1000) if since else 0
    return Chosen(
        since_ms=since_ms, **{name: value for name, value in chosen.items() if value is not None}
    )
