"""The group of commands about attribution rules."""

from __future__ import annotations

import click

from streams.cli.rules.apply import rules_apply_command


@click.group("rules")
def rules_group() -> None:
    """Change the attribution rules on purpose.

    A core worker whose rules are not those in force refuses to start: a file that is missing, or an
    old one, would decide every install again.
    """


rules_group.add_command(rules_apply_command)
