"""`headwater experiment plan`: check a definition, and say what it takes."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.output import answer_json, answer_text, json_option


@click.command("plan")
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE"
)
@json_option
def experiment_plan_command(file: Path, as_json: bool) -> None:
    """Check the definition of an experiment, and say how many units and days it needs.

    FILE is TOML. A definition that contradicts itself is refused in one line. The fingerprint names
    all that is in it: equal fingerprints mean equal definitions.

    \b
    Example:
      headwater experiment plan deploy/experiment.example.toml
    """
    from streams.operations.experiments import plan_file

    planned = plan_file(file)
    if as_json:
        answer_json(planned.as_json())
        return
    for sentence in planned.sentences():
        answer_text(sentence)
