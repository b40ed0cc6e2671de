"""`headwater privacy status`: the receipt of one request."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.output import (
    answer_json,
    answer_table,
    answer_text,
    folder_option,
    json_option,
    settings_for,
)

if TYPE_CHECKING:
    from streams.operations.privacy import RequestStatus, RequestVerdict


@click.command("status")
@click.argument("request_id", metavar="REQUEST")
@folder_option
@json_option
def privacy_status_command(request_id: str, folder: Path | None, as_json: bool) -> None:
    """Show the receipt of a request: what was found, is gone, and remains.

    REQUEST is its subject_request_id.

    \b
    Example:
      headwater privacy status dsr-2026-17
    """
    from streams.operations.privacy import request_status

    status = request_status(settings_for(folder), request_id)
    if as_json:
        answer_json(status.as_json())
    else:
        answer_status(status)


MEANING: Mapping[RequestVerdict, str] = {
    "erased": "Stored rows were made anonymous by `headwater privacy run`.",
    "waiting": "Stored rows still name the person: run `headwater privacy run`.",
    "found_nobody": "Nobody is known under what the request names.",
    "not_matched": "Nobody was found, and not everything could be looked up: ask again as the "
    "result says.",
    "not_looked_up": "Whether somebody is known could not be looked up: the request was replayed "
    "into a store of other logs. Send it to the topic privacy-requests of the workers that wrote "
    "those, or replay their log whole, with the request.",
    "no_erasure": "The request erases nothing.",
    "refused": "The request could not be read, and nothing was done: send it again.",
}
"""What became of a request, in a sentence."""


def answer_status(status: RequestStatus) -> None:
    """Print the receipt of a request."""
    for request in status.requests:
        asked = f"{request['request_type']} of app {request['app_id']}"
        answer_text(f"{asked}, submitted {request['submitted_time']} UTC")
    if not status.receipts:
        answer_text("Its receipt is not stored yet.")
        return
    answer_table(
        ("place", "traffic", "looked up", "result", "found"),
        [
            (
                receipt["place"],
                "" if receipt["place"] == "intake" else receipt["environment"],
                f"{receipt['subject_type']} {receipt['subject_key']}",
                receipt["result"] + (receipt["detail"] and f": {receipt['detail']}"),
                ", ".join(f"{count:g} {name}" for name, count in sorted(receipt["found"].items())),
            )
            for receipt in status.receipts
        ],
    )
    if any(request["request_type"] == "access" for request in status.requests):
        answer_text(f"`headwater privacy export {status.request_id} --out FILE` has what is held.")
        return
    answer_text(MEANING[status.verdict])
    if status.verdict not in {"erased", "waiting"}:
        return
    answer_text("What remains, and until when:")
    answer_table(("place", "until"), [(rest["place"], rest["until"]) for rest in status.remains])
