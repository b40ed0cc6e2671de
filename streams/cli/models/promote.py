"""`headwater models promote`: make a version the live one."""

from __future__ import annotations

import click

from schemas.records import CommandKind
from streams.cli.models.order import give_order, reason_option
from streams.cli.output import json_option


@click.command("promote")
@click.argument("version")
@reason_option
@json_option
def models_promote_command(version: str, reason: str, as_json: bool) -> int:
    """Make VERSION live: it scores every install from now on.

    A version of a challenger makes the challenger champion, so that its next versions go live too.
    Any other version stays live until `headwater models resume`.

    \b
    Example:
      headwater models promote payer/challenger-184200-77aa01c3
    """
    from online_models.challengers.declaration import target_of
    from streams.stages.common.snapshot_messages import model_of

    model = target_of(model_of(version))
    return give_order(CommandKind.PROMOTE, model, reason, as_json, version=version)
