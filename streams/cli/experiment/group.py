"""The group of commands about experiments."""

from __future__ import annotations

import click

from streams.cli.experiment.analyze import experiment_analyze_command
from streams.cli.experiment.orders import (
    experiment_list_command,
    experiment_ramp_command,
    experiment_ship_command,
    experiment_start_command,
    experiment_stop_command,
)
from streams.cli.experiment.plan import experiment_plan_command
from streams.cli.experiment.report import experiment_report_command


@click.group("experiment")
def experiment_group() -> None:
    """Find out what a change is worth, with answers that may be read at any time."""


experiment_group.add_command(experiment_analyze_command)
experiment_group.add_command(experiment_plan_command)
experiment_group.add_command(experiment_start_command)
experiment_group.add_command(experiment_ramp_command)
experiment_group.add_command(experiment_stop_command)
experiment_group.add_command(experiment_ship_command)
experiment_group.add_command(experiment_list_command)
experiment_group.add_command(experiment_report_command)
