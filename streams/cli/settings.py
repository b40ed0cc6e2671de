"""`headwater settings`: every environment variable."""

from __future__ import annotations

import click

from streams.cli.output import answer_json, answer_text, json_option
from streams.settings import Settings, read_settings
from streams.settings.declaration import Declaration, declarations


@click.group("settings", invoke_without_command=True)
@json_option
@click.pass_context
def settings_command(context: click.Context, as_json: bool) -> None:
    """List every setting with its values, default and an example.

    Prints a Markdown table. A secret may also come from a file, named by the variable with _FILE
    at its end. An unknown variable that begins with HEADWATER_ stops every command.

    \b
    Example:
      headwater settings
      HEADWATER_KAFKA_PASSWORD_FILE=/run/secrets/kafka headwater doctor
    """
    if context.invoked_subcommand is not None:
        return
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


@settings_command.command("retention")
@json_option
def retention_command(as_json: bool) -> None:
    """Say how long each topic, state and table keeps what it holds.

    The table goes from the source topics to the tables of ClickHouse, and names the setting that
    decides and its default. Values are those of this environment. Operators may keep a topic or a
    table for another time: `headwater query "SELECT * FROM v_table_retention"` says what is in
    force.

    \b
    Example:
      headwater settings retention
      HEADWATER_RETENTION=dead_letters:30d headwater settings retention --json
    """
    from streams.operations.kept_times import kept_times, kept_times_table

    found = kept_times(read_settings())
    if as_json:
        answer_json({"kept": [one._asdict() for one in found]})
    else:
        answer_text(kept_times_table(found))


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
