"""What the local servers and the rule about skipped tests promise, without starting a server."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from deploy.local import kafka
from deploy.local.program import LOOPBACK, Program, ServerError, port_is_taken
from streams.lab.bench import free_port as free_ports
from streams.lab.bench.free_port import free_port
from tests import servers_in_use

SLEEP = "import time; time.sleep(60)"


def _sleeping(folder: Path) -> Program:
    program = Program("sleeper", folder)
    # The folder is on the command line, as it is for both servers.
    program.launch([sys.executable, "-c", SLEEP, str(folder)], dies_with_parent=True)
    return program


def test_a_killed_program_does_not_run_and_can_start_again(tmp_path: Path) -> None:
    program = _sleeping(tmp_path)
    first = program.pid()
    program.kill()
    assert not program.running()
    program = _sleeping(tmp_path)
    assert program.running()
    assert program.pid() != first
    program.stop()
    assert not program.running()


def test_a_pid_of_somebody_else_is_not_believed(tmp_path: Path) -> None:
    program = Program("stranger", tmp_path)
    program.pid_file.write_text("1")
    assert not program.running()


def test_a_program_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path) -> None:
    program = Program("quitter", tmp_path)
    program.launch([sys.executable, "-c", "print('no room on disk')"])
    with pytest.raises(ServerError, match=r"quitter stopped; .* no room on disk"):
        program.wait_ready(lambda: False, 30)


def test_adjacent_ports_are_all_free_and_given_once() -> None:
    given = [free_port(adjacent=2) for _ in range(50)]
    ports = {port for first in given for port in (first, first + 1)}
    assert len(ports) == 100
    for first in given:
        with socket.create_server((LOOPBACK, first)), socket.create_server((LOOPBACK, first + 1)):
            pass


def test_a_port_whose_neighbour_is_taken_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    first = free_port(adjacent=3)
    monkeypatch.setattr(free_ports, "FREE_PORTS", range(first, first + 3))
    monkeypatch.setattr(free_ports, "_given", set())
    with socket.create_server(("", first + 1)), pytest.raises(OSError, match="no 2 adjacent"):
        free_port(adjacent=2)


def test_free_ports_lie_below_those_of_outgoing_connections() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert free_ports.FREE_PORTS[-1] < lowest


def test_a_free_port_is_not_taken_until_somebody_listens() -> None:
    port = free_port()
    assert not port_is_taken(port)
    with socket.create_server((LOOPBACK, port)):
        assert port_is_taken(port)


def test_missing_jars_are_a_reason_that_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_JARS", str(tmp_path))
    reason = kafka.kafka_absence()
    assert reason is not None
    assert "java" in reason or "deploy.local.servers jars" in reason


def test_a_required_server_fails_where_another_only_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_REQUIRE", "kafka")
    with pytest.raises(pytest.fail.Exception, match="HEADWATER_REQUIRE names kafka"):
        servers_in_use.skip_or_fail("kafka", "there is no java")
    with pytest.raises(pytest.skip.Exception):
        servers_in_use.skip_or_fail("clickhouse", "there is no clickhouse-server")


def test_a_test_needs_a_server_by_its_fixture_or_by_its_marker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HEADWATER_REQUIRE", "kafka,clickhouse")
    assert servers_in_use.needs_required(["tmp_path", "kafka"], [])
    assert servers_in_use.needs_required([], ["clickhouse"])
    assert not servers_in_use.needs_required(["tmp_path"], ["parametrize"])
    monkeypatch.delenv("HEADWATER_REQUIRE")
    assert not servers_in_use.needs_required(["kafka"], ["kafka"])
