"""`headwater models suspend`: take a model out of service."""

from __future__ import annotations

import click

from schemas.records import CommandKind
from streams.cli.models.order import give_order, model_option, reason_option
from streams.cli.output import json_option


@click.command("suspend")
@model_option
@reason_option
@json_option
def models_suspend_command(model: str, reason: str, as_json: bool) -> int:
    """Let no version of a model score: the next tier, observed rates, answers instead.

    The model goes on learning. `headwater models resume` puts it back into service.

    \b
    Example:
      headwater models suspend --model value
    """
    return give_order(CommandKind.SUSPEND, model, reason, as_json)
