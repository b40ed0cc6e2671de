"""`headwater worker`: the long-running processes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from streams.cli.output import folder_option, say, settings_for


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
@click.option(
    "--board",
    "has_board",
    is_flag=True,
    help="With storing or all: serve the board, too, as `headwater board` does.",
)
@folder_option
def worker_command(role: str, has_board: bool, folder: Path | None) -> int:
    """Process events from Kafka until told to stop.

    Needs the topics and tables that `headwater migrate` creates. To scale, start more core workers:
    they share the partitions. Give each a state folder of its own (HEADWATER_STATE_DIR). Without
    HEADWATER_KAFKA, `--role all` starts an embedded broker for trials, which ends with it.

    Of `--role all`, core listens for probes at HEADWATER_METRICS_PORT, storing at the next port,
    and learning at the one after that.

    Ctrl-C or SIGTERM stops a worker after the checkpoint in hand. Killing it loses nothing either:
    the next one goes on from the last checkpoint.

    \b
    Example:
      HEADWATER_KAFKA=broker:9092 headwater migrate
      HEADWATER_KAFKA=broker:9092 headwater worker --role core
    """
    from streams.errors import Stop
    from streams.worker.roles import run_role

    settings = settings_for(folder)
    if not has_board:
        return run_role(role, settings)
    if role not in ("storing", "all"):
        raise Stop(f"--board goes with --role storing or all, and role {role} stores nothing")
    from streams.board import board_access, board_beside

    board_access(settings).check()
    say_address = partial(board_beside, on_ready=lambda at: say(f"The board is at {at}"))
    return run_role(role, settings, beside=say_address)
