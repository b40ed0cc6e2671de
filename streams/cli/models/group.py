"""The group of commands about model versions."""

from __future__ import annotations

import click

from streams.cli.models.diff import models_diff_command
from streams.cli.models.list import models_list_command
from streams.cli.models.promote import models_promote_command
from streams.cli.models.quarantine import models_quarantine_command
from streams.cli.models.resume import models_resume_command
from streams.cli.models.rollback import models_rollback_command
from streams.cli.models.show import models_show_command
from streams.cli.models.suspend import models_suspend_command


@click.group("models")
def models_group() -> None:
    """List, compare, promote and roll back model versions.

    Every version is a row of the table model_versions, with the evidence for it.

    `list`, `show` and `diff` read the store. The other commands are orders: they are written to
    the topic `examples`, and the learner carries each out at its position in that log, within
    seconds. `list` then shows the result.
    """


for _command in (
    models_list_command,
    models_show_command,
    models_diff_command,
    models_promote_command,
    models_rollback_command,
    models_suspend_command,
    models_resume_command,
    models_quarantine_command,
):
    models_group.add_command(_command)
