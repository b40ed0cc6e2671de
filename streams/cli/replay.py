"""`headwater replay`: the same deciding, from files instead of Kafka."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.output import (
    answer_json,
    answer_text,
    folder_option,
    json_option,
    progress,
    settings_for,
)


@click.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE...",
)
@click.option("--into", is_flag=True, help="Add to what is stored; nothing counts twice.")
@click.option(
    "--batch",
    type=click.IntRange(1, 1_000_000),
    default=4_000,
    show_default=True,
    help="Records decided at once; the result does not depend on it.",
)
@folder_option
@json_option
def replay(
    files: tuple[Path, ...], into: bool, batch: int, folder: Path | None, as_json: bool
) -> int:
    """Decide the events of files, with no broker, and store the outcomes.

    Files hold JSON lines as `kcat -C -J` prints them: topic, ts, key, payload. Without --into
    the store must be empty.

    \b
    Example:
      headwater simulate --out traffic.jsonl
      headwater replay traffic.jsonl --data replayed
      headwater digest --data replayed
    """
    from streams.demo_folder import keep_folder
    from streams.replaying import run_replay

    settings = settings_for(folder)
    keep_folder(settings.folders.data)
    with progress(is_quiet=as_json) as advance:
        report = run_replay(settings, files, batch, advance, is_into=into)
    if as_json:
        answer_json(report.as_json())
    else:
        for line in report.lines():
            answer_text(line)
    return 0 if report.accounting.reconciled else 1
