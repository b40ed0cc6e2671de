"""`headwater worker`: the long-running processes."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.output import folder_option, settings_for


@click.command("worker")
@click.option(
    "--role",
    type=click.Choice(["core", "learning", "storing", "all"]),
    default="all",
    show_default=True,
    help="core attributes, predicts, and learns if nobody else does; learning only learns, so that "
    "core does not; storing writes the results to ClickHouse; all runs one process of each "
    "(learning apart from core only with HEADWATER_KAFKA).",
)
@folder_option
def worker_command(role: str, folder: Path | None) -> int:
    """Process events from Kafka until told to stop.

    Needs the topics and tables that `headwater migrate` creates. To scale, start more core workers:
    they share the partitions. Give each a state folder of its own (HEADWATER_STATE_DIR). Without
    HEADWATER_KAFKA, `--role all` starts an embedded broker for trials, which ends with it.

    Ctrl-C or SIGTERM stops a worker after the checkpoint in hand. Killing it loses nothing either:
    the next one goes on from the last checkpoint.

    \b
    Example:
      HEADWATER_KAFKA=broker:9092 headwater migrate
      HEADWATER_KAFKA=broker:9092 headwater worker --role core
    """
    from streams.worker.roles import run_role

    return run_role(role, settings_for(folder))
