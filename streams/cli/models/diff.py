"""`headwater models diff`: two versions side by side."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.output import (
    answer_json,
    answer_table,
    figure,
    folder_option,
    json_option,
    settings_for,
)


@click.command("diff")
@click.argument("first")
@click.argument("second")
@folder_option
@json_option
def models_diff_command(first: str, second: str, folder: Path | None, as_json: bool) -> int:
    """Compare the evidence, calibration and weights of the versions FIRST and SECOND.

    Of the weights, those that differ most are shown.

    \b
    Example:
      headwater models diff payer-180600-b7741c02 payer-184200-3f9c01ab
    """
    from streams.operations.models.diff import diff
    from streams.wiring.parts import scoring_rules
    from streams.wiring.store import stored

    settings = settings_for(folder)
    with stored(settings) as store:
        found = diff(store, scoring_rules(settings.models).targets, first, second)
    if as_json:
        answer_json(found.as_json())
        return 0
    pairs = {**found.figures, **found.calibration}
    rows = [[name, *map(figure, pair)] for name, pair in pairs.items()]
    rows += [[f"weight of {m.name}", figure(m.before), figure(m.after)] for m in found.moved]
    answer_table(["", first, second], rows)
    return 0
