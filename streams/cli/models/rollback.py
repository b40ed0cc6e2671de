"""`headwater models rollback`: go back to an earlier version."""

from __future__ import annotations

import click

from schemas.records import CommandKind
from streams.cli.models.order import give_order, model_option, reason_option
from streams.cli.output import json_option


@click.command("rollback")
@click.argument("version", default="")
@model_option
@reason_option
@json_option
def models_rollback_command(version: str, model: str, reason: str, as_json: bool) -> int:
    """Go back to VERSION, or to the version before the live one.

    It stays live until `headwater models resume`. --model has no effect beside VERSION.

    \b
    Example:
      headwater models rollback --reason "one source fell to nothing"
    """
    from online_models.challengers.declaration import target_of
    from streams.stages.common.snapshot_messages import model_of

    named = target_of(model_of(version)) if version else model
    return give_order(CommandKind.ROLL_BACK, named, reason, as_json, version=version)
