"""`headwater board`: pictures of what is stored, in a browser."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.output import folder_option, say, settings_for


@click.command("board")
@folder_option
def board_command(folder: Path | None) -> None:
    """Show campaigns, cohorts, models and the state of it all in a browser.

    Listens on http://localhost:6070/ (HEADWATER_BOARD_HOST, HEADWATER_BOARD_PORT) until Ctrl-C, and
    only reads. Every chart has its SQL, its rows and a CSV. Pages read again by themselves when
    something new was stored; when the store does not answer they turn grey and say why.

    On an address that others reach, set HEADWATER_BOARD_TOKEN, or HEADWATER_BOARD_PROXY_HEADER
    behind a proxy that signs people in.

    \b
    Example:
      headwater demo
      headwater board
    """
    from streams.board import run_board

    run_board(settings_for(folder), lambda address: say(f"The board is at {address}"))
