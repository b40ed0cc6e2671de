"""`headwater settings`: every environment variable."""

from __future__ import annotations

import click

from streams.cli.output import answer_json, answer_text, json_option
from streams.settings import documented, settings_table


@click.command()
@json_option
def settings(as_json: bool) -> None:
    """List every setting: its environment variable, what it takes, its default, its meaning.

    Secrets may also come from a file: HEADWATER_KAFKA_PASSWORD_FILE=/run/secrets/kafka.
    """
    if not as_json:
        answer_text(settings_table())
        return
    answer_json(
        {
            item.variable: {
                "takes": item.kind.expected,
                "default": item.default_text,
                "meaning": item.text,
                "secret": item.kind.is_secret,
            }
            for item in documented()
        }
    )
