"""`headwater privacy verify`: search tables, states and topics for the people of a request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.output import (
    answer_json,
    answer_table,
    answer_text,
    folder_option,
    json_option,
    say,
    settings_for,
)
from streams.cli.privacy.status import MEANING

if TYPE_CHECKING:
    from streams.operations.privacy import Verified


@click.command("verify")
@click.argument("request_id", metavar="REQUEST")
@click.option(
    "--minutes",
    type=click.FloatRange(0),
    default=5.0,
    show_default=True,
    help="Longest time for reading topics; the answer says how much of each was read.",
)
@folder_option
@json_option
def privacy_verify_command(
    request_id: str, minutes: float, folder: Path | None, as_json: bool
) -> int:
    """Search tables, states and topics for the people of a request.

    REQUEST is its subject_request_id. States are searched where this machine has their folder,
    topics where HEADWATER_KAFKA is set. What topics and states name ends by itself: the receipt
    says when. The exit code is 0 if no row names the person any more, or if nobody is known under
    what the request names; 1 if a row does, if `headwater privacy run` has not taken up the request
    yet, or if what it names could not be looked up.

    \b
    Example:
      headwater privacy verify dsr-2026-17
    """
    from streams.operations.privacy import verify_request

    def advance(place: str) -> None:
        if not as_json:
            say(f"{place} …")

    verified = verify_request(settings_for(folder), request_id, minutes * 60, advance)
    verdict = verified.status.verdict
    if as_json:
        answer_json(verified.as_json())
    elif verified.naming is None or verdict != "erased":
        answer_text(MEANING[verdict])
    else:
        _answer(verified)
    return 0 if verified.is_gone else 1


def _answer(verified: Verified) -> None:
    answer_table(
        ("table", "rows looked at", "rows that name the person"),
        [(found.table, found.rows, found.naming) for found in verified.tables],
    )
    if verified.places:
        answer_table(
            ("place", "looked at", "of it", "name the person"),
            [
                (found.place, found.looked_at, f"{found.share:.0%}", found.naming)
                for found in verified.places
            ],
        )
    else:
        answer_text("No state folder is here and no broker is set: only tables were searched.")
    if verified.naming:
        answer_text("Run `headwater privacy run`, then verify again.")
        return
    answer_text("No row of these tables names the person.")
    if verified.remaining:
        answer_text("States and topics do, until:")
        rests = [(rest["place"], rest["until"]) for rest in verified.status.remains]
        answer_table(("place", "until"), rests)
