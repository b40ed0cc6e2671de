"""A board that cannot listen says which of the two settings is wrong."""

from __future__ import annotations

import socket

import pytest

from streams.board import run_board
from streams.errors import Stop
from streams.settings import read_settings

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
