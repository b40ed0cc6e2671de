"""`headwater import`: events of a team's own CSV files, to replay and to evaluate."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.output import answer_json, answer_text, json_option, say, settings_for
from streams.errors import Stop

if TYPE_CHECKING:
    from streams.operations.csv_import import CsvImport

FAULTS_SHOWN = 20
"""Faults that are told one by one; the others are counted."""


@click.command("import")
@click.option(
    "--map",
    "map_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file: which column is which field. Example: deploy/import.example.toml",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File of JSON lines to write. Example: history.jsonl",
)
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE...",
)
@json_option
def import_command(map_file: Path, out: Path, files: tuple[Path, ...], as_json: bool) -> int:
    """Make events from CSV files, to try your own history.

    Writes installs, sessions, payments, clicks and costs as `headwater replay`, `evaluate --data`
    and `send` read them. Every event is checked as the workers check it. A row that has no single
    meaning is left out, with one line on stderr that says file, line, column and what to do.

    The exit code is 0 if every row became an event, and 1 if one was left out.

    \b
    Example:
      headwater import --map map.toml --out history.jsonl installs.csv payments.csv
      headwater evaluate payer --data history.jsonl
    """
    from streams.operations.csv_import import CsvImport, read_import_map
    from streams.wiring.named_file import read_file

    if out.resolve() in {one.resolve() for one in (map_file, *files)}:
        raise Stop(f"--out {out}: this is a file that is read: name another one")
    rules = read_file(map_file, "map", read_import_map)
    earliest, now = settings_for(None).rules.earliest_event_time, time.time_ns() // 1_000_000
    reader = CsvImport(rules, earliest, now)
    _write(reader, files, out)
    if as_json:
        answer_json({"events": dict(reader.counts), "left_out": reader.faults})
    else:
        counts = ", ".join(f"{count:,} of {kind}" for kind, count in sorted(reader.counts.items()))
        answer_text(f"events written: {counts or 'none'}; faults: {reader.faults:,}")
    return 1 if reader.faults or not reader.counts else 0


def _write(reader: CsvImport, files: tuple[Path, ...], out: Path) -> None:
    """Whoever reads the file `out` finds all events, or what was there before."""
    from streams.kafka.kcat import record_line
    from streams.operations.csv_import import Fault

    is_file = out.is_file() or not out.exists()  # A pipe is none.
    whole = out.resolve()  # A link stays one.
    unfinished = whole.with_name(f"{out.name}.unfinished") if is_file else out
    try:
        with unfinished.open("wb") as lines:
            for found in reader.read(files):
                if not isinstance(found, Fault):
                    lines.write(record_line(found))
                elif reader.faults <= FAULTS_SHOWN:
                    say(str(found))
        if is_file:
            unfinished.replace(whole)
    finally:
        if is_file:
            unfinished.unlink(missing_ok=True)
    if reader.faults > FAULTS_SHOWN:
        say(f"further faults: {reader.faults - FAULTS_SHOWN:,}; mend these first")
