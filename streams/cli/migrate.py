"""`headwater migrate`: topics and tables."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import click

from streams.cli.output import (
    answer_json,
    answer_text,
    folder_option,
    json_option,
    progress,
    say,
    settings_for,
)
from streams.settings import Settings

KILL_SECONDS = 5.0
"""Beyond HEADWATER_STOP_TIMEOUT, which workers keep to by themselves."""


@click.command("migrate")
@click.option(
    "--partitions",
    type=click.IntRange(1, 1024),
    help="Re-key to so many partitions: read the source topics again into new topics and a new "
    "store, beside the workers. Interrupted, it goes on with the next run.",
)
@click.option(
    "--into",
    metavar="STORE",
    help="New store for --partitions: a URL of ClickHouse with a new database, or a new folder.",
)
@click.option(
    "--accept-loss",
    is_flag=True,
    help="Re-key also if the source topics no longer hold their first events.",
)
@folder_option
@json_option
def migrate_command(
    folder: Path | None,
    partitions: int | None,
    into: str | None,
    accept_loss: bool,
    as_json: bool,
) -> None:
    """Create and check the topics and tables that workers need.

    Run it before the first worker and after every update. A second run changes nothing. Existing
    topics are checked and never altered: a wrong one is named, with the command that corrects it.
    HEADWATER_RETENTION, where it is set, is put into force: older rows vanish within hours.

    \b
    Example:
      HEADWATER_KAFKA=broker:9092 HEADWATER_CLICKHOUSE=clickhouse://host:9000/headwater \\
        headwater migrate
      headwater migrate --partitions 8 --into clickhouse://host:9000/headwater_8
    """
    if partitions is not None:
        if into is None:
            raise click.UsageError("--partitions needs --into: a new database or folder")
        _rekey(settings_for(folder), partitions, into, accepts_loss=accept_loss, as_json=as_json)
        return
    from streams.operations.migrate import migrate_all

    done = migrate_all(settings_for(folder))
    if as_json:
        answer_json(done)
    else:
        topics, tables = done["topics_created"], done["migrations_applied"]
        answer_text(f"topics created: {len(topics) or 'none'}")
        answer_text(f"migrations applied: {', '.join(tables) or 'none'}")
        for table, kept in done["retention_changed"].items():
            answer_text(f"retention: {table} keeps its rows {kept}")


def _rekey(
    settings: Settings, partitions: int, into: str, *, accepts_loss: bool, as_json: bool
) -> None:
    from streams.operations.rekey import Rekeying, plan_rekeying
    from streams.worker.roles import migrate_in_child, role_children
    from streams.worker.supervisor import Children

    plan = plan_rekeying(settings, partitions, into, os.environ, accepts_loss=accepts_loss)
    migrate_in_child(plan.settings, plan.environ)
    stop_seconds = settings.worker.stop_timeout_ms / 1000 + KILL_SECONDS
    with (
        progress(is_quiet=as_json) as advance,
        Children(role_children(plan.settings, plan.environ), stop_seconds) as children,
    ):
        report = asyncio.run(Rekeying(plan, advance, children.require_all, say).run())
    if as_json:
        answer_json(report.as_json)
        return
    answer_text(f"{report.events} events were decided again in {report.seconds:.0f} s")
    answer_text("stop the workers, and start them again with these settings:")
    for name, value in report.settings.items():
        answer_text(f"  {name}={value}")
