"""`headwater doctor`: what an installation lacks, and what to do about it."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.output import (
    answer_json,
    answer_table,
    answer_text,
    folder_option,
    json_option,
    settings_for,
)


@click.command("doctor")
@folder_option
@json_option
def doctor_command(folder: Path | None, as_json: bool) -> int:
    """Check settings, broker, topics, store, files and disk.

    Changes nothing, and says for each fault what to do. The exit code is 1 if there is any.

    \b
    Example:
      HEADWATER_KAFKA=broker:9092 headwater doctor
    """
    from streams.operations.doctor import examine

    checks = examine(settings_for(folder))
    is_well = all(check.ok for check in checks)
    if as_json:
        answer_json({"ok": is_well, "checks": [check._asdict() for check in checks]})
    else:
        rows = [(check.name, "ok" if check.ok else "no", check.advice) for check in checks]
        answer_table(("check", "ok", "what to know or do"), rows)
        answer_text("All is well." if is_well else "Something is wrong: see the advice above.")
    return 0 if is_well else 1
