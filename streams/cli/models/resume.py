"""`headwater models resume`: let versions go live by themselves again."""

from __future__ import annotations

import click

from schemas.records import CommandKind
from streams.cli.models.order import give_order, model_option, reason_option
from streams.cli.output import json_option


@click.command("resume")
@model_option
@reason_option
@json_option
def models_resume_command(model: str, reason: str, as_json: bool) -> int:
    """Let versions that pass the gate go live again, from the newest one on.

    Ends what promote, rollback and suspend have ordered.

    \b
    Example:
      headwater models resume --model payer
    """
    return give_order(CommandKind.RESUME, model, reason, as_json)
