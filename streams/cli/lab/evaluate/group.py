"""The group of commands that evaluate decisions and predictions."""

from __future__ import annotations

import click

from streams.cli.lab.evaluate.calibration import evaluate_calibration_command
from streams.cli.lab.evaluate.credit import evaluate_credit_command
from streams.cli.lab.evaluate.drift import evaluate_drift_command
from streams.cli.lab.evaluate.fraud import evaluate_fraud_command
from streams.cli.lab.evaluate.match import evaluate_match_command
from streams.cli.lab.evaluate.payer import evaluate_payer_command
from streams.cli.lab.evaluate.tiers import evaluate_tiers_command
from streams.cli.lab.evaluate.value import evaluate_value_command


@click.group("evaluate")
def evaluate_group() -> None:
    """Measure decisions and predictions against a known truth.

    The truth is that of a simulation, or, with --data, what happened later in your own history.
    Needs no servers and stores nothing. Uses the default rules.
    """


for _command in (
    evaluate_match_command,
    evaluate_fraud_command,
    evaluate_credit_command,
    evaluate_payer_command,
    evaluate_calibration_command,
    evaluate_tiers_command,
    evaluate_value_command,
    evaluate_drift_command,
):
    evaluate_group.add_command(_command)
