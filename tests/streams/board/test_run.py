"""A board that cannot listen says which setting is wrong; one beside a worker opens no folder."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiohttp import ClientSession

from streams.board import board_beside, run_board
from streams.board.pages import PAGES
from streams.cli.command_line import main
from streams.errors import Stop
from streams.settings import read_settings
from streams.store.reading import ReadLimits
from streams.store.served import StoreServer
from tests.streams.board.conftest import page_of
from tests.worlds.stores.migrated import migrated_store

_Result = TypeVar("_Result")

NOBODYS = "203.0.113.1"
"""An address for documentation (RFC 5737), which no machine has."""


def complaint(host: str, port: int) -> str:
    environ = {
        "HEADWATER_BOARD_HOST": host,
        "HEADWATER_BOARD_PORT": str(port),
        "HEADWATER_BOARD_TOKEN": "a token that is long enough",
    }
    with pytest.raises(Stop) as stop:
        run_board(read_settings(environ), lambda _: pytest.fail("it listens"))
    return str(stop.value)


def test_a_port_that_is_taken_asks_for_another_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        line = complaint("127.0.0.1", taken.getsockname()[1])
    assert line.endswith("choose another HEADWATER_BOARD_PORT (0: a free one)")
    assert "HEADWATER_BOARD_HOST" not in line


def test_an_address_of_another_machine_asks_for_another_address() -> None:
    line = complaint(NOBODYS, 0)
    assert "set HEADWATER_BOARD_HOST to an address of this machine" in line
    assert "HEADWATER_BOARD_PORT" not in line


def beside(environ: dict[str, str], story: Callable[[str], Awaitable[_Result]]) -> _Result:
    """What somebody sees of the board in the process of a worker, at its address."""

    async def run() -> _Result:
        addresses: list[str] = []
        async with board_beside(read_settings(environ), addresses.append):
            return await story(addresses[0])

    return asyncio.run(run())


def test_a_board_beside_a_worker_never_opens_the_folder(tmp_path: Path) -> None:
    """The worker is about to: chdb lets one process open it, and once."""
    (tmp_path / "chdb").mkdir()

    async def story(address: str) -> dict[str, Any]:
        async with ClientSession() as session:
            return page_of(await (await session.get(f"{address}api/page/today")).text())

    page = beside({"HEADWATER_DATA": str(tmp_path), "HEADWATER_BOARD_PORT": "0"}, story)
    assert (page["reason"], page["panels"]) == ("the worker has not opened its store yet", [])
    assert list((tmp_path / "chdb").iterdir()) == []


def test_a_board_beside_a_worker_reads_what_the_worker_serves(tmp_path: Path) -> None:
    pytest.importorskip("chdb")
    store = migrated_store(tmp_path / "chdb")
    served = StoreServer(store, tmp_path / "chdb", ReadLimits(), 0)

    async def story(address: str) -> tuple[str, int]:
        async with ClientSession() as session:
            page = page_of(await (await session.get(f"{address}api/page/today")).text())
            found = await (await session.get(f"{address}api/explain?id=nobody")).json()
        assert not found["isKnown"]
        return page["reason"], len(page["panels"])

    try:
        environ = {"HEADWATER_DATA": str(tmp_path), "HEADWATER_BOARD_PORT": "0"}
        assert beside(environ, story) == ("", len(PAGES["today"].panels))
    finally:
        served.close()
        store.close()


def test_a_worker_that_serves_no_store_has_no_board() -> None:
    with pytest.raises(Stop, match="HEADWATER_STORE_PORT is 0"):
        beside({"HEADWATER_STORE_PORT": "0"}, lambda _: pytest.fail("it listens"))


@pytest.mark.parametrize("role", ["core", "learning"])
def test_a_role_that_stores_nothing_has_no_board(
    role: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["worker", "--role", role, "--board"])
    assert end.value.code != 0
    assert f"role {role} stores nothing" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["worker"], ["demo"]])
def test_a_board_that_the_network_reaches_is_refused_before_anything_starts(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADWATER_BOARD_HOST", "0.0.0.0")
    with pytest.raises(SystemExit):
        main([*command, "--board"])
    assert "open to the whole network" in capsys.readouterr().err
