"""Runs the board until the process is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from aiohttp import web

from streams.board.access import Access, is_loopback
from streams.board.answers import PageAnswers
from streams.board.server import BoardServer
from streams.errors import Stop, listening_advice
from streams.operations.explain import explain_id, explanation_text
from streams.settings import Settings
from streams.wiring.store import read_limits, stored

STOP_SECONDS = 2.0
"""How long open pages may take to finish when the board stops."""


def run_board(settings: Settings, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM. `on_ready` gets the address once it listens.

    Stop: the port cannot be had, or the address would be open to everybody.
    """
    asyncio.run(_serve(settings, on_ready))


def board_access(settings: Settings) -> Access:
    """Who may look, as the settings say; `Access.check` says whether that is safe."""
    board = settings.board
    return Access(board.host, board.token.reveal() if board.token else "", board.proxy_header)


async def _serve(settings: Settings, on_ready: Callable[[str], None]) -> None:
    board, access = settings.board, board_access(settings)
    access.check()
    server = BoardServer(
        PageAnswers(lambda: stored(settings), read_limits(settings)), _explain_in(settings), access
    )
    runner = web.AppRunner(server.application, access_log=None, shutdown_timeout=STOP_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, board.host, board.port)
        try:
            await site.start()
        except OSError as error:
            raise Stop(
                f"cannot listen on {board.host}:{board.port} for the board: {error.strerror}; "
                + listening_advice(
                    error, "HEADWATER_BOARD_HOST", "HEADWATER_BOARD_PORT (0: a free one)"
                )
            ) from error
        on_ready(_address(runner, board.host))
        await _until_stopped()
    finally:
        await runner.cleanup()


def _address(runner: web.AppRunner, host: str) -> str:
    port = runner.addresses[0][1]
    name = f"[{host}]" if ":" in host else host
    return f"http://{'localhost' if is_loopback(host) and name == '127.0.0.1' else name}:{port}/"


async def _until_stopped() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


def _explain_in(settings: Settings) -> Callable[[str, str], tuple[bool, str]]:
    def explain(identifier: str, app: str) -> tuple[bool, str]:
        explanation = explain_id(settings, identifier, app)
        return explanation.is_known, explanation_text(explanation)

    return explain
