"""`headwater replay`: the same decisions, from files instead of Kafka."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from streams.cli.output import (
    answer_json,
    answer_table,
    answer_text,
    folder_option,
    json_option,
    progress,
    settings_for,
)
from streams.settings import Settings


@click.command("replay")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE...",
)
@click.option(
    "--into",
    is_flag=True,
    help="Add to a store that already has rows; events it knows do not count twice.",
)
@click.option(
    "--batch",
    type=click.IntRange(1, 1_000_000),
    default=4_000,
    show_default=True,
    help="Number of records to decide at once. The result does not depend on it.",
)
@click.option(
    "--rules",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Attribution rules to use instead of those in HEADWATER_RULES. Example: rules.toml",
)
@click.option(
    "--compare",
    is_flag=True,
    help="Store nothing, and report what --rules would change against the rules in force.",
)
@folder_option
@json_option
def replay_command(
    files: tuple[Path, ...],
    folder: Path | None,
    rules: Path | None,
    compare: bool,
    as_json: bool,
    **storing: Any,
) -> int:
    """Process events from files, without a broker.

    Stores what workers would have stored. Files hold JSON lines as `kcat -C -J` prints them:
    topic, ts, key, payload, in any order of lines and files. So a dumped topic is a backfill, an
    audit and a test case. The store must be empty, unless --into is given.

    A line that is no record is one dead letter, or counted in the report if it names no topic.
    The exit code is 1 if any record of the files is not accounted for, or if lines were only
    counted; --json says which, as `reconciled` and `unreadable_lines`.

    \b
    Example:
      headwater simulate --out traffic.jsonl
      headwater replay traffic.jsonl --data replayed
      headwater digest --data replayed
      headwater replay traffic.jsonl --rules other.toml --compare
    """
    if compare:
        if rules is None or storing["into"]:
            raise click.UsageError(
                "--compare needs --rules FILE; it stores nothing, so leave out --into",
                click.get_current_context(),
            )
        return _compare(files, rules, as_json)
    from streams.replay.run import run_replay
    from streams.store.demo_folder import keep_folder

    settings = _under(settings_for(folder), rules)
    keep_folder(settings.folders.data)
    with progress(is_quiet=as_json) as advance:
        report = run_replay(settings, files, storing["batch"], advance, is_into=storing["into"])
    if as_json:
        answer_json(report.as_json())
    else:
        for line in report.lines():
            answer_text(line)
    return 0 if report.accounting.reconciled and not report.unreadable_lines else 1


def _under(settings: Settings, rules: Path | None) -> Settings:
    """These settings, with another rule file."""
    if rules is None:
        return settings
    return replace(settings, rules=replace(settings.rules, attribution=rules))


def _compare(files: tuple[Path, ...], rules: Path, as_json: bool) -> int:
    from streams.replay.compare_text import MOVE_COLUMNS, headlines, move_rows
    from streams.replay.what_if import what_if

    settings = settings_for(None)
    with progress(is_quiet=as_json) as advance:
        found = what_if(files, settings, _under(settings, rules), advance)
    if as_json:
        answer_json(found.as_json())
        return 0
    rows = move_rows(found.comparison)
    if rows:
        answer_table(MOVE_COLUMNS, rows)
    for line in headlines(found):
        answer_text(line)
    return 0
