"""`headwater models show`: the history of one version."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.output import (
    answer_json,
    answer_text,
    figure,
    folder_option,
    json_option,
    settings_for,
)


@click.command("show")
@click.argument("version")
@folder_option
@json_option
def models_show_command(version: str, folder: Path | None, as_json: bool) -> int:
    """Show every change of state of VERSION, with the evidence for it.

    \b
    Example:
      headwater models show payer-184200-3f9c01ab
    """
    from streams.operations.models.versions import changes_of
    from streams.wiring.store import stored

    with stored(settings_for(folder)) as store:
        changes = changes_of(store, version)
    if as_json:
        answer_json({"version": version, "changes": [change._asdict() for change in changes]})
        return 0
    for change in changes:
        held = ", held by hand" if change.is_held else ""
        answer_text(
            f"{change.learned_at[:19]}  {change.state}: "
            f"{change.live_version or 'nothing'} is live{held}"
            f"{f' ({change.reason})' if change.reason else ''}"
        )
        for name, value in change.figures.items():
            answer_text(f"    {name:<32} {figure(value)}")
    return 0
