"""The group of commands about requests of people."""

from __future__ import annotations

import click

from streams.cli.privacy.export import privacy_export_command
from streams.cli.privacy.run import privacy_run_command
from streams.cli.privacy.status import privacy_status_command
from streams.cli.privacy.verify import privacy_verify_command


@click.group("privacy")
def privacy_group() -> None:
    """Forget people who asked for it and prove it, or show them what is held.

    Workers forget a person as soon as the request is read. Stored rows are made anonymous by
    `headwater privacy run`: once a day, as a job.
    """


privacy_group.add_command(privacy_run_command)
privacy_group.add_command(privacy_status_command)
privacy_group.add_command(privacy_export_command)
privacy_group.add_command(privacy_verify_command)
