"""Runs the board: in a process of its own until that is told to stop, or in a storing worker's."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from streams.board.access import Access, is_loopback
from streams.board.answers import PageAnswers
from streams.board.lease import OpenStore, StoreLease
from streams.board.server import BoardServer
from streams.errors import Stop, listening_advice
from streams.operations.explain import explain_in, explanation_text
from streams.settings import Settings
from streams.wiring.store import read_limits, stored, stored_by_others

STOP_SECONDS = 2.0
"""How long open pages may take to finish when the board stops."""

READY_SECONDS = 15.0
"""How old the first page is at most when somebody opens the board, while reading it is quick."""

OnReady = Callable[[str], None]
"""Gets the address once the board listens."""


def run_board(settings: Settings, on_ready: OnReady) -> None:
    """Serve until SIGINT or SIGTERM.

    Stop: the port cannot be had, or the address would be open to everybody.
    """

    async def serve() -> None:
        async with _listening(settings, lambda: stored(settings), on_ready):
            await _until_stopped()

    asyncio.run(serve())


@asynccontextmanager
async def board_beside(settings: Settings, on_ready: OnReady) -> AsyncIterator[None]:
    """The board in the process of a worker that stores, as long as the block runs.

    It reads as other processes do, and never opens a folder itself: the worker is about to.
    Stop: as `run_board`, or the worker is told not to serve its store.
    """
    if settings.store.url is None and settings.store.port == 0:
        raise Stop(
            "--board reads what this worker serves, and HEADWATER_STORE_PORT is 0: set it to a port"
        )
    async with _listening(settings, lambda: stored_by_others(settings), on_ready):
        yield


def board_access(settings: Settings) -> Access:
    """Who may look, as the settings say; `Access.check` says whether that is safe."""
    board = settings.board
    return Access(board.host, board.token.reveal() if board.token else "", board.proxy_header)


@asynccontextmanager
async def _listening(
    settings: Settings, open_store: OpenStore, on_ready: OnReady
) -> AsyncIterator[None]:
    board, access = settings.board, board_access(settings)
    access.check()
    lease = StoreLease(open_store)
    answers = PageAnswers(lease, read_limits(settings))
    server = BoardServer(answers, _explain_from(settings, lease), access, READY_SECONDS)
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
        yield
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


def _explain_from(
    settings: Settings, open_store: OpenStore
) -> Callable[[str, str], tuple[bool, str]]:
    def explain(identifier: str, app: str) -> tuple[bool, str]:
        with open_store() as store:
            explanation = explain_in(store, settings, identifier, app)
        return explanation.is_known, explanation_text(explanation)

    return explain
