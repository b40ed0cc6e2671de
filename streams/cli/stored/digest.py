"""`headwater digest`: a checksum of every table."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.output import answer_json, answer_table, folder_option, json_option, settings_for


@click.command("digest")
@click.option(
    "--converged",
    is_flag=True,
    help="Leave out what depends on how partitions interleave: intermediate versions of decisions, "
    "and predictions. Compares two runs of the same events on different installations.",
)
@click.option(
    "--model",
    metavar="VERSION",
    help="With --converged: include the predictions of this model version.",
)
@folder_option
@json_option
def digest_command(converged: bool, model: str | None, folder: Path | None, as_json: bool) -> None:
    """Print a SHA-256 of the rows of every table.

    Stores with equal digests hold the same rows. The time of insertion does not count.
    Where people asked to be forgotten, run `headwater privacy run` on both stores first.

    \b
    Example:
      headwater digest --data replayed
      headwater digest --converged
    """
    from streams.operations.query import digest_of

    found = digest_of(settings_for(folder), is_converged=converged, model=model)
    if as_json:
        answer_json(found)
    else:
        answer_table(("table", "sha256"), sorted(found.items()))
