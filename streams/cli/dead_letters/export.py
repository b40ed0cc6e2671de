"""`headwater dead-letters export`: their messages, in a file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from streams.cli.dead_letters.options import choice_options, chosen_by, limit_option
from streams.cli.output import answer_json, answer_text, folder_option, json_option, settings_for


@click.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@choice_options
@limit_option
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@folder_option
@json_option
def dead_letters_export_command(
    file: Path,
    folder: Path | None,
    as_json: bool,
    force: bool,
    since: datetime | None,
    **chosen: Any,
) -> None:
    """Write dead letters to FILE, byte for byte, as `kcat -C -J` prints messages.

    Mend the lines, and give them to `headwater validate`, `send` or `replay`. Each distinct message
    is written once. The messages may hold personal data: the file is readable to its owner only.

    \b
    Example:
      headwater dead-letters export broken.jsonl --topic payments --reason missing_id
    """
    from streams.operations.dead_letters import export_letters

    exported = export_letters(
        settings_for(folder), chosen_by(since, **chosen), file, replaces=force
    )
    if as_json:
        answer_json({"exported": exported, "file": str(file)})
    else:
        answer_text(f"{exported:,} messages written to {file}")
