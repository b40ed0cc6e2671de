"""The `headwater` command: one file per command, named like it, and what all of them share.

A command reads settings and options, calls one function of the room that does the work, and
prints its answer. Nothing imports this room.
"""

from streams.cli.command_line import headwater, main

__all__ = ["headwater", "main"]
