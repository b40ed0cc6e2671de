"""`headwater demo` as a newcomer runs it: a process, a folder, and nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from streams.lab.bench.free_port import free_port
from streams.lab.simulator import Scenario, write_traffic
from streams.lab.simulator.drafts.apple_signatures import public_keys

pytest.importorskip("chdb", reason="the embedded store is not installed")
pytest.importorskip("confluent_kafka", reason="the embedded broker is not installed")

EVENTS = 6_000
SECONDS = 180


def _headwater(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "streams.cli", *(str(one) for one in arguments)],
        env=_environ() | environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def _environ() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("HEADWATER_")}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """The folder of a demo, and what it answered."""
    folder = tmp_path_factory.mktemp("demo")
    options = ("--events", EVENTS, "--seed", 7, "--data", folder, "--json")
    done = _headwater("demo", *options, HEADWATER_STORE_PORT=str(free_port()))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder, json.loads(done.stdout)


def test_every_event_is_accounted_for(demo: tuple[Path, dict[str, object]]) -> None:
    _, answer = demo
    assert answer["reconciled"] is True
    assert answer["received"] == EVENTS
    parts = ("decided", "duplicates", "parked", "expired", "dead_lettered")
    assert sum(int(str(answer[part])) for part in parts) == EVENTS
    assert 0 < int(str(answer["duplicates"])) <= EVENTS * 0.01
    assert answer["dead_lettered"] == EVENTS * 0.001


def test_what_was_predicted_stands_beside_what_came_of_the_same_installs(
    demo: tuple[Path, dict[str, object]],
) -> None:
    folder, answer = demo
    found, standing = answer["payers_by_day_7"], answer["standing"]
    assert isinstance(found, dict)
    assert isinstance(standing, dict)
    payers = found["all"]
    sql = "SELECT countIf(landmark = 'install' AND target = 'payer') FROM predictions"
    rows = json.loads(_headwater("query", sql, "--data", folder, "--json").stdout)["rows"]
    assert 0 < payers["installs"] <= int(rows[0][0])
    assert 0 < payers["paid"] < payers["installs"]
    assert 0.3 < payers["predicted"] / payers["paid"] < 3.0
    assert "payers" in standing["payer"]
    assert "rates" in standing["payer"]


def test_what_it_left_behind_can_be_asked(demo: tuple[Path, dict[str, object]]) -> None:
    folder, answer = demo
    sql = "SELECT sum(installs) FROM v_campaign_daily"
    done = _headwater("query", sql, "--data", folder, "--json")
    rows = json.loads(done.stdout)["rows"]
    stored = answer["stored_rows"]
    assert isinstance(stored, dict)
    assert 0 < int(rows[0][0]) <= stored["attributions"]


def test_campaigns_have_all_the_money_that_was_booked_and_all_of_it_in_dollars(
    demo: tuple[Path, dict[str, object]],
) -> None:
    folder, _ = demo
    sums = (
        "SELECT currency, toString(sum(revenue)) FROM v_campaign_daily WHERE revenue != 0"
        " GROUP BY 1 ORDER BY 1",
        "SELECT currency, toString(toDecimal128(sum(amount_micros), 6) / 1000000) FROM revenue"
        " WHERE environment = 'production' AND amount_micros != 0 GROUP BY 1 ORDER BY 1",
    )
    answers = [
        json.loads(_headwater("query", sql, "--data", folder, "--json").stdout)["rows"]
        for sql in sums
    ]
    assert answers[0] == answers[1]
    assert len(answers[0]) > 3

    sql = "SELECT sum(unconverted), sum(revenue_usd) > 0, sum(cost_usd) > 0 FROM v_campaign_daily"
    rows = json.loads(_headwater("query", sql, "--data", folder, "--json").stdout)["rows"]
    assert [int(part) for part in rows[0]] == [0, 1, 1]


def test_a_replay_of_the_same_traffic_converges_to_the_same_digest(
    demo: tuple[Path, dict[str, object]], tmp_path: Path
) -> None:
    folder, _ = demo
    traffic = tmp_path / "traffic.jsonl"
    keys = tmp_path / "keys.json"  # a demo trusts simulated postbacks by itself
    with traffic.open("wb") as file:
        write_traffic(Scenario.busy(EVENTS, seed=7), file)
    keys.write_bytes(msgspec.json.encode(public_keys()))
    replayed = _headwater("replay", traffic, "--data", tmp_path / "replayed", "--json",
                          HEADWATER_POSTBACK_KEYS=str(keys))  # fmt: skip
    assert replayed.returncode == 0, replayed.stderr
    digests = []
    for at in (folder, tmp_path / "replayed"):
        _headwater("privacy", "run", "--data", at)  # or late rows of who is forgotten may differ
        found = _headwater("digest", "--converged", "--data", at, "--json")
        digests.append(json.loads(found.stdout))
    assert digests[0] == digests[1]


def test_explain_follows_an_install_and_a_dead_letter(
    demo: tuple[Path, dict[str, object]],
) -> None:
    folder, _ = demo
    sql = "SELECT install_id FROM v_attributions WHERE status = 'non_organic' LIMIT 1"
    install = json.loads(_headwater("query", sql, "--data", folder, "--json").stdout)["rows"][0][0]
    explained = _headwater("explain", install, "--data", folder)
    assert explained.returncode == 0
    assert f"Install {install}" in explained.stdout
    assert "version 1" in explained.stdout
    sql = "SELECT source_topic, source_partition, source_offset FROM dead_letters LIMIT 1"
    place = json.loads(_headwater("query", sql, "--data", folder, "--json").stdout)["rows"][0]
    explained = _headwater(
        "explain", ":".join(str(part) for part in place), "--data", folder, "--json"
    )
    answer = json.loads(explained.stdout)
    assert answer["events"][0]["disposition"] == "dead_lettered"
    assert answer["dead_letters"][0]["reason"]


def test_doctor_is_content_with_it(demo: tuple[Path, dict[str, object]]) -> None:
    folder, _ = demo
    done = _headwater("doctor", "--data", folder, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["ok"] is True


def test_settings_for_servers_do_not_reach_a_demo(tmp_path: Path) -> None:
    done = _headwater(
        "demo",
        "--events",
        300,
        "--data",
        tmp_path,
        "--json",
        HEADWATER_KAFKA="nowhere.invalid:9092",
        HEADWATER_PARTITIONS="16",
        HEADWATER_CLICKHOUSE="clickhouse://nowhere.invalid/db",
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["reconciled"] is True


def test_ctrl_c_ends_a_demo_and_its_workers_without_a_traceback(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "demo", "--pace", "50", "--data", str(tmp_path)],
        env=_environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _wait_for(lambda: bool(_children(process.pid)), "a worker")
    workers = _children(process.pid)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert stderr.strip().splitlines()[-1] == "headwater: interrupted"
    _wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "their end")


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(one) for one in text.split()]


def _wait_for(condition: object, what: str) -> None:
    assert callable(condition)
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)
