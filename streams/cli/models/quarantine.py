"""`headwater models quarantine`: unlearn a range of examples."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from schemas.records import CommandKind
from streams.cli.models.order import give_order, reason_option
from streams.cli.output import json_option, settings_for
from streams.errors import Stop

_MOMENT = click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"])


@click.command("quarantine")
@click.argument("offsets", metavar="FIRST..LAST", default="")
@click.option(
    "--since", type=_MOMENT, help="Begin of the range by log time, UTC. Example: 2026-11-22T14:00"
)
@click.option(
    "--until", type=_MOMENT, help="End of the range by log time, UTC. Example: 2026-11-22T15:00"
)
@reason_option
@json_option
def models_quarantine_command(
    offsets: str, since: datetime | None, until: datetime | None, reason: str, as_json: bool
) -> int:
    """Unlearn a range of examples, as if they had never been there.

    The last version that learned none of them goes live at once. The models of all targets go back
    to a state before the range, and learn again what followed it.

    Give the range as offsets of the topic `examples` (column learned_offset of model_versions), or
    with --since and --until.

    \b
    Example:
      headwater models quarantine 184000..184200
      headwater models quarantine --since 2026-11-22T14:00 --until 2026-11-22T15:00
    """
    from streams.operations.models.orders import offsets_between

    settings = settings_for(None)
    if since and until:
        first, last = offsets_between(
            settings, since.replace(tzinfo=UTC), until.replace(tzinfo=UTC)
        )
    else:
        first, last = parse_range(offsets)
    return give_order(
        CommandKind.QUARANTINE, "payer", reason, as_json, first_offset=first, last_offset=last
    )


def parse_range(offsets: str) -> tuple[int, int]:
    """First and last of "12..40"; Stop when it is no such range."""
    first, separator, last = offsets.partition("..")
    if not (separator and first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
        raise Stop(
            f"{offsets!r} is not a range of offsets: write FIRST..LAST, or --since and --until"
        )
    return int(first), int(last)
