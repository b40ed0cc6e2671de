"""`headwater settings`: every environment variable."""

from __future__ import annotations

import click

from streams.cli.output import answer_json, answer_text, json_option
from streams.settings import Settings
from streams.settings.declaration import Declaration, declarations


@click.command()
@json_option
def settings(as_json: bool) -> None:
    """List every setting: environment variable, what it takes, default, meaning.

    Secrets may also come from a file: HEADWATER_KAFKA_PASSWORD_FILE=/run/secrets/kafka.

    \b
    Example:
      headwater settings
    """
    if not as_json:
        answer_text(settings_table())
        return
    answer_json(
        {
            item.variable: {
                "takes": item.expected,
                "default": item.default_text,
                "meaning": item.text,
                "secret": item.is_secret,
            }
            for item in documented()
        }
    )


def documented() -> list[Declaration]:
    """What a person may set, in the order it is declared."""
    return [item for item in declarations(Settings) if not item.is_internal]


def settings_table() -> str:
    """All settings as a Markdown table."""
    rows = ["| variable | takes | default | meaning |", "|---|---|---|---|"]
    for item in documented():
        name = f"`{item.variable}`" + (" or `…_FILE`" if item.is_secret else "")
        default = f"`{item.default_text}`" if item.default_text else ""
        rows.append(f"| {name} | {item.expected} | {default} | {item.text} |")
    return "\n".join(rows)
