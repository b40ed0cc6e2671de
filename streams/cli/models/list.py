"""`headwater models list`: the newest versions of every model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.output import (
    answer_json,
    answer_table,
    answer_text,
    figure,
    folder_option,
    json_option,
    settings_for,
)

if TYPE_CHECKING:
    from streams.operations.models.versions import ListedVersion

_SHOWN = {
    "normalised_entropy": "NE",
    "entropy_over_rates": "NE to rates",
    "calibration_ratio": "ratio",
}
"""Figures of the evidence, and how their columns are headed."""


@click.command("list")
@click.option(
    "--model",
    default="",
    help="Only this model: payer, value, credit, payer/rates or payer/challenger/NAME. "
    "Default: all.",
)
@click.option(
    "--newest",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Number of versions of each model. The live one is always listed.",
)
@folder_option
@json_option
def models_list_command(model: str, newest: int, folder: Path | None, as_json: bool) -> int:
    """List the newest versions of every model, and which one is live.

    NE is the normalised entropy of the version's predictions: below 1 is better than the base
    rate. NE to rates compares it with observed rates: below 1, the model is worth having. ratio is
    predicted over actual positives. Below, a sentence says who answers for each target, and why.

    \b
    Example:
      headwater models list --model payer --newest 20
    """
    from streams.operations.models.model_standings import standings
    from streams.operations.models.versions import changes, listed
    from streams.wiring.parts import scoring_rules
    from streams.wiring.store import stored

    settings = settings_for(folder)
    targets = scoring_rules(settings.models).targets
    with stored(settings) as store:
        versions = listed(changes(store, model), newest)
        standing = standings(store, targets)
    if model:
        standing = {name: line for name, line in standing.items() if name == model}
    if as_json:
        shown = [version.as_json(targets) for version in versions]
        answer_json({"versions": shown, "standing": standing})
        return 0
    rows = [_row(version) for version in versions]
    columns = ["model", "version", "state", "learner", *_SHOWN.values(), "learned until"]
    answer_table([*columns, "reason"], rows)
    for line in standing.values():
        answer_text(line)
    return 0


def _row(version: ListedVersion) -> list[str]:
    return [
        version.model,
        version.version or "(none)",
        _state(version.state, is_live=version.is_live, is_held=version.is_held),
        version.contestant,
        *(figure(version.figures.get(name, math.nan)) for name in _SHOWN),
        version.learned_at[:19],
        version.reason,
    ]


def _state(state: str, *, is_live: bool, is_held: bool) -> str:
    shown = "live" if is_live else state
    return f"{shown}, held by hand" if is_held else shown
