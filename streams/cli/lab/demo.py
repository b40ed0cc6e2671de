"""`headwater demo`: everything at once, on this machine alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli.output import (
    answer_json,
    answer_table,
    answer_text,
    folder_option,
    json_option,
    progress,
    say,
    seed_option,
    settings_for,
)

if TYPE_CHECKING:
    from streams.lab.demo.demo_traffic import DemoScenario


@click.command("demo")
@click.option(
    "--events",
    type=click.IntRange(1, 100_000_000),
    default=60_000,
    show_default=True,
    help="Number of events to simulate; of a small game, about so many.",
)
@click.option(
    "--scenario",
    type=click.Choice(["publisher", "small-game"]),
    default="publisher",
    show_default=True,
    help="What to simulate: a month of a publisher of three apps, where a model comes to answer; "
    "or a small game of which 0.5 % pay, where rates do.",
)
@seed_option
@click.option(
    "--pace",
    type=click.IntRange(1),
    help="Maximum number of events published per second. Default: as fast as models keep up with.",
)
@click.option(
    "--board",
    "has_board",
    is_flag=True,
    help="Show it in a browser while it runs, at HEADWATER_BOARD_HOST and HEADWATER_BOARD_PORT.",
)
@folder_option
@json_option
def demo_command(
    events: int,
    scenario: DemoScenario,
    seed: int,
    folder: Path | None,
    as_json: bool,
    **chosen: Any,
) -> int:
    """Run everything on simulated traffic, without servers.

    Starts an in-process broker, both workers and an embedded store, publishes a month of events,
    and ends by itself with a table of campaigns, and with who answers for payers and why. What it
    stores can be queried afterwards, and seen with `headwater board`.

    Checks that every published event is accounted for: the exit code is 1 if one is not.

    \b
    Example:
      headwater demo
      headwater demo --scenario small-game
      headwater query "SELECT * FROM v_campaign_daily LIMIT 10"
    """
    from streams.lab.demo.campaigns import CampaignLine
    from streams.lab.demo.demo import DemoPlan, run_demo

    settings = settings_for(folder)
    plan = DemoPlan(events=events, seed=seed, scenario=scenario, **chosen)
    with progress(is_quiet=as_json) as advance:
        report = run_demo(settings, plan, advance)
    if as_json:
        answer_json(report.run.as_json() | report.models.as_json())
    else:
        columns = [name.replace("_", " ") for name in CampaignLine._fields]
        answer_table(columns, report.campaigns, cuts_words=True)
        for line in (*report.models.lines(), *report.run.lines()):
            answer_text(line)
        if plan.has_board:
            say(
                f"The board has ended with it; `headwater board --data {settings.folders.data}` "
                "shows what is stored"
            )
    return 0 if report.run.accounting.reconciled else 1
