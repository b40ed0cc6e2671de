"""The group of commands about dead letters."""

from __future__ import annotations

import click

from streams.cli.dead_letters.drop import dead_letters_drop_command
from streams.cli.dead_letters.export import dead_letters_export_command
from streams.cli.dead_letters.list import dead_letters_list_command
from streams.cli.dead_letters.replay import dead_letters_replay_command
from streams.cli.dead_letters.show import dead_letters_show_command


@click.group("dead-letters")
def dead_letters_group() -> None:
    """List, show, export, publish again and drop messages that could not be read.

    Each is kept whole: its bytes, its position in the log, the reason and advice.
    """


dead_letters_group.add_command(dead_letters_list_command)
dead_letters_group.add_command(dead_letters_show_command)
dead_letters_group.add_command(dead_letters_export_command)
dead_letters_group.add_command(dead_letters_replay_command)
dead_letters_group.add_command(dead_letters_drop_command)
