"""`headwater bench`: how fast this machine is."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.output import (
    answer_json,
    answer_table,
    folder_option,
    json_option,
    progress,
    seed_option,
    settings_for,
)


@click.command()
@click.option(
    "--events",
    type=click.IntRange(1_000, 100_000_000),
    default=200_000,
    show_default=True,
    help="How many events to measure with.",
)
@seed_option
@folder_option
@json_option
def bench(events: int, seed: int, folder: Path | None, as_json: bool) -> None:
    """Measure events per second, from Kafka to stored rows, and what each stage costs.

    \b
    Example:
      headwater bench --events 100000 --json
    """
    from streams.bench import run_bench

    with progress(is_quiet=as_json) as advance:
        report = run_bench(settings_for(folder), events, seed, advance)
    if as_json:
        answer_json(report)
    else:
        answer_table(("figure", "value"), [(name, str(value)) for name, value in report.items()])
