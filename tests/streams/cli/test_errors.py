"""Whatever is wrong, a person reads one line that says what to do, and no traceback."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.cli import main
from streams.lab.bench.free_port import free_port
from tests.faults.small_disk import small_disk_or_skip

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command with these variables; exit code, stdout, stderr."""
    for variable in ("KAFKA", "CLICKHOUSE", "DATA", "PARTITIONS", "LOG_LEVEL"):
        monkeypatch.delenv(f"HEADWATER_{variable}", raising=False)

    def command(*arguments: object, **environ: str) -> tuple[int, str, str]:
        for variable, value in environ.items():
            monkeypatch.setenv(f"HEADWATER_{variable}", value)
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return command


def assert_one_line(stderr: str, *expected: str) -> None:
    lines = stderr.strip().splitlines()
    assert len(lines) == 1, stderr
    assert "Traceback" not in stderr
    for text in expected:
        assert text in lines[0]


def test_a_wrong_setting_ends_with_code_2(run: Run) -> None:
    code, _, stderr = run("worker", "--role", "core", PARTITIONS="many")
    assert code == 2
    assert_one_line(stderr, "HEADWATER_PARTITIONS", "whole number")


def test_an_unknown_setting_ends_with_code_2(run: Run) -> None:
    code, _, stderr = run("migrate", PARTITION="4")
    assert code == 2
    assert_one_line(stderr, "HEADWATER_PARTITION", "did you mean HEADWATER_PARTITIONS?")


def test_an_unknown_command_and_a_missing_argument_end_with_code_2(run: Run) -> None:
    code, _, stderr = run("frobnicate")
    assert code == 2
    assert_one_line(stderr, "frobnicate", "headwater --help")
    code, _, stderr = run("query")
    assert code == 2
    assert_one_line(stderr, "SQL", "headwater query --help")


def test_a_file_on_a_full_disk_is_named(run: Run, tmp_path: Path) -> None:
    with small_disk_or_skip(tmp_path / "disk", 1) as disk:
        file = disk.folder / "traffic.jsonl"
        code, _, stderr = run("simulate", "--events", "20000", "--out", file)
    assert code == 1
    assert_one_line(stderr.splitlines()[-1], f"cannot write {file}", "make room there")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_an_answer_that_finds_no_room_says_so() -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "streams.cli", "settings", "--json"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert_one_line(done.stderr, "No space left on device; make room, or write elsewhere")


@pytest.mark.parametrize("command", [("migrate",), ("worker", "--role", "core")])
def test_an_absent_broker_is_named(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    address = f"127.0.0.1:{free_port()}"
    secret = "a secret of this test, of 32 bytes"
    code, _, stderr = run(*command, "--data", tmp_path, KAFKA=address, PSEUDONYM_SECRET=secret)
    assert code == 1
    assert_one_line(stderr, f"no Kafka broker answers at {address}", "HEADWATER_KAFKA")


def test_publishing_to_an_absent_broker_is_one_line_too(run: Run) -> None:
    address = f"127.0.0.1:{free_port()}"
    code, _, stderr = run("simulate", "--events", "100", "--to-kafka", "--json", KAFKA=address)
    assert code == 1
    assert_one_line(stderr, f"no Kafka broker answers at {address}")


def test_one_role_alone_needs_a_broker(run: Run) -> None:
    code, _, stderr = run("worker", "--role", "storing")
    assert code == 1
    assert_one_line(stderr, "HEADWATER_KAFKA is not set", "--role all")


@pytest.mark.parametrize(
    "command", [("query", "SELECT 1"), ("digest",), ("explain", "x"), ("dead-letters", "list")]
)
def test_a_folder_without_a_store_says_how_to_fill_it(
    run: Run, tmp_path: Path, command: tuple[str, ...]
) -> None:
    code, _, stderr = run(*command, "--data", tmp_path)
    assert code == 1
    assert_one_line(stderr, "nothing is stored", "headwater demo", "--data")


def test_an_occupied_store_is_named(run: Run, tmp_path: Path) -> None:
    store = tmp_path / "chdb"
    store.mkdir()
    with (store / "status").open("w") as status:
        fcntl.flock(status, fcntl.LOCK_EX)
        code, _, stderr = run("query", "SELECT 1", "--data", tmp_path)
    assert code == 1
    assert_one_line(stderr, str(store), "in use by another process")


def test_a_demo_leaves_alone_what_no_demo_made(run: Run, tmp_path: Path) -> None:
    (tmp_path / "chdb").mkdir()
    kept = tmp_path / "chdb" / "rows"
    kept.write_text("mine")
    code, _, stderr = run("demo", "--events", "100", "--data", tmp_path)
    assert code == 1
    assert_one_line(stderr, "not made by a demo", "--data")
    assert kept.read_text() == "mine"


def test_a_demo_does_not_pull_the_store_from_under_another_process(
    run: Run, tmp_path: Path
) -> None:
    store = tmp_path / "chdb"
    store.mkdir()
    (tmp_path / "demo").touch()
    with (store / "status").open("w") as status:
        fcntl.flock(status, fcntl.LOCK_EX)
        code, _, stderr = run("demo", "--events", "100", "--data", tmp_path)
    assert code == 1
    assert_one_line(stderr, "in use by another process")
    assert store.exists()


def test_a_file_in_the_place_of_the_folder_is_named(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    code, _, stderr = run("migrate", "--data", file / "below")
    assert code == 1
    assert_one_line(stderr, str(file), "--data")


def test_simulated_events_and_their_summary_cannot_share_stdout(run: Run) -> None:
    code, stdout, stderr = run("simulate", "--json")
    assert code == 2
    assert stdout == ""
    assert_one_line(stderr, "--out FILE or --to-kafka")


def test_dead_letters_need_a_broker_to_go_back_to(run: Run, tmp_path: Path) -> None:
    code, _, stderr = run("dead-letters", "replay", "--data", tmp_path)
    assert code == 1
    assert_one_line(stderr, "HEADWATER_KAFKA is not set")


def test_an_unknown_reason_is_refused(run: Run, tmp_path: Path) -> None:
    code, _, stderr = run("dead-letters", "replay", "--reason", "bad luck", "--data", tmp_path)
    assert code == 2
    assert_one_line(stderr, "bad luck", "malformed_json")
