"""What all orders about models share: their options, and how they are given."""

from __future__ import annotations

import click

from schemas.records import CommandKind, ModelCommand
from streams.cli.output import answer_json, answer_text, settings_for
from streams.settings import Settings

reason_option = click.option(
    "--reason",
    default="",
    help='Why you order it; stored with the result. Example: "feed was empty"',
)
model_option = click.option(
    "--model", default="payer", show_default=True, help="The model: payer, value or credit."
)


def give_order(kind: CommandKind, model: str, reason: str, as_json: bool, **details: object) -> int:
    """Write an order to the log of examples and print its id; the exit code.

    `details` are fields of ModelCommand: version, or first_offset and last_offset. Stop when there
    is no broker, or when the store knows no such version.
    """
    from streams.operations.models.orders import new_order, send

    settings = settings_for(None)
    order = new_order(kind, model, reason, **details)
    _require_known(settings, order)
    send(settings, order)
    if as_json:
        answer_json({"command_id": order.command_id, "kind": kind.name.lower(), "model": model})
    else:
        answer_text(f"ordered as {order.command_id}; `headwater models list` shows the result")
    return 0


def _require_known(settings: Settings, order: ModelCommand) -> None:
    """Stop when a store is there and has no such version."""
    from streams.operations.models.versions import changes_of
    from streams.wiring.store import stored

    if not order.version or (settings.store.url is None and not settings.folders.store.exists()):
        return
    with stored(settings) as store:
        changes_of(store, order.version)
