"""`headwater bench`: how fast this machine is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
from streams.progress import Progress
from streams.settings import Settings


@click.command("bench")
@click.option(
    "--events",
    type=click.IntRange(1_000, 100_000_000),
    default=200_000,
    show_default=True,
    help="Number of events to process; with --models, of rows to learn.",
)
@click.option(
    "--models",
    "is_of_models",
    is_flag=True,
    help="Measure the payer model instead, beside River and Vowpal Wabbit. Needs no Kafka.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Number of core workers.",
)
@click.option(
    "--peers",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Also measure programs on other frameworks, with the environments in this folder, which "
    "`make bench-peers` makes.",
)
@seed_option
@folder_option
@json_option
def bench_command(folder: Path | None, as_json: bool, **wanted: Any) -> None:
    """Measure events per second, from Kafka to stored rows.

    Also measures the CPU time of each process and stage, and the same events within three days
    instead of thirty. Uses the broker in HEADWATER_KAFKA, under a topic prefix of its own, and an
    embedded store. The speed of the machine is read beside every figure, as the microseconds of a
    fixed loop: compare figures only where they are the same.

    \b
    Example:
      headwater bench --events 100000 --json
      headwater bench --models --events 50000
    """
    with progress(is_quiet=as_json) as advance:
        report = (
            _of_models(wanted["events"], wanted["seed"], advance)
            if wanted.pop("is_of_models")
            else _of_stages(settings_for(folder), wanted, advance)
        )
    if as_json:
        answer_json(report)
    else:
        answer_table(("figure", "value"), [(name, str(value)) for name, value in report.items()])


def _of_stages(settings: Settings, wanted: dict[str, Any], advance: Progress) -> dict[str, Any]:
    from streams.lab.bench.bench import BenchPlan, run_bench

    return run_bench(settings, BenchPlan(**wanted), advance)


def _of_models(rows: int, seed: int, advance: Progress) -> dict[str, Any]:
    """`--events` are rows to learn."""
    from streams.lab.bench.model_bench import run_model_bench

    return run_model_bench(rows, seed, advance)
