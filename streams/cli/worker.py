"""`headwater worker`: the long-running processes."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.output import folder_option, settings_for


@click.command()
@click.option(
    "--role",
    type=click.Choice(["core", "storing", "all"]),
    default="all",
    show_default=True,
    help="core decides, storing writes to ClickHouse, all starts both as processes.",
)
@folder_option
def worker(role: str, folder: Path | None) -> int:
    """Read events from Kafka, decide, learn, and store, until told to stop.

    Needs topics and tables (`headwater migrate` creates them). Several core workers share the
    partitions; give each its own state folder (HEADWATER_STATE_DIR). Ctrl-C or SIGTERM ends a
    worker after its current checkpoint; nothing is lost if it is killed instead.

    \b
    Example:
      HEADWATER_KAFKA=broker:9092 headwater migrate
      HEADWATER_KAFKA=broker:9092 headwater worker --role core
    """
    from streams.worker.roles import run_role

    return run_role(role, settings_for(folder))
