"""`headwater cohorts`: brings the table of cohorts up to date."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.output import answer_json, folder_option, json_option, say, settings_for


@click.command("cohorts")
@click.option(
    "--everything",
    is_flag=True,
    help="Work out every install day anew, not only those of which something was stored since.",
)
@folder_option
@json_option
def cohorts_command(everything: bool, folder: Path | None, as_json: bool) -> None:
    """Bring the table behind the views of cohorts up to date.

    Storing workers do it by themselves, every minute or less often.

    \b
    Example:
      headwater cohorts
      headwater cohorts --everything
    """
    from streams.operations.query import keep_cohorts

    built = keep_cohorts(settings_for(folder), everything=everything)
    if as_json:
        answer_json({"days": built.days, "seconds": round(built.seconds, 3)})
    else:
        say(f"{built.days:,} install days in {built.seconds:.1f} s")
