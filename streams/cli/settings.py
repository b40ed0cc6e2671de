"""`headwater settings`: every environment variable."""

from __future__ import annotations

import click

from streams.cli.output import answer_json, answer_text, json_option
from streams.settings import Settings
from streams.settings.declaration import Declaration, declarations


@click.command("settings")
@json_option
def settings_command(as_json: bool) -> None:
    """List every setting with its values, default and an example.

    Prints a Markdown table. A secret may also come from a file, named by the variable with _FILE
    at its end. An unknown variable that begins with HEADWATER_ stops every command.

    \b
    Example:
      headwater settings
      HEADWATER_KAFKA_PASSWORD_FILE=/run/secrets/kafka headwater doctor
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
    """The settings that a person may set, in the order they are declared."""
    return [item for item in declarations(Settings) if not item.is_internal]


def settings_table() -> str:
    """All settings as a Markdown table."""
    rows = ["| variable | takes | default | meaning |", "|---|---|---|---|"]
    for item in documented():
        name = f"`{item.variable}`" + (" or `…_FILE`" if item.is_secret else "")
        default = f"`{item.default_text}`" if item.default_text else ""
        rows.append(f"| {name} | {item.expected} | {default} | {item.text} |")
    return "\n".join(rows)
