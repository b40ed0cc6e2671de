"""Lines that are no records are never skipped without a word."""

from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli import headwater
from streams.kafka.kcat import KcatRecord, record_line
from streams.replay.compare import Comparison, Side
from streams.replay.compare_text import headlines
from streams.replay.unreadable_lines import UnreadableLines
from streams.replay.what_if import WhatIf

SESSION = {
    "type": "session",
    "schema_version": 1,
    "event_id": "e-1",
    "app_id": "app.one",
    "event_time": 1_790_000_000_000,
    "install_id": "i-1",
    "session_id": "s-1",
}


def test_an_evaluation_logs_how_many_lines_it_skips(caplog: pytest.LogCaptureFixture) -> None:
    unreadable = UnreadableLines()
    with caplog.at_level(logging.WARNING):
        unreadable.warn()
        assert not caplog.messages
        unreadable.add("dump.jsonl:7: no topic")
        unreadable.add("dump.jsonl:9: no topic")
        unreadable.warn()
    (message,) = caplog.messages
    assert message.startswith("2 lines of the files are no records")
    assert message.endswith("dump.jsonl:7: no topic")


def test_a_comparison_says_how_many_lines_it_skipped() -> None:
    nothing = Side("same", {}, {})
    found = WhatIf(Comparison(nothing, nothing, Counter()), 1, 0, 1.0, 3)
    assert found.as_json()["unreadable_lines"] == 3
    assert "lines that are no records, and are skipped: 3" in headlines(found)


@pytest.mark.parametrize(("lines", "code"), [(b"", 0), (b"no record\n", 1)])
def test_the_exit_code_of_a_replay_tells_lines_that_were_only_counted(
    lines: bytes, code: int, tmp_path: Path
) -> None:
    pytest.importorskip("chdb")
    record = KcatRecord("activity", 0, 0, 1_790_000_000_000, None, json.dumps(SESSION).encode())
    dump = tmp_path / "dump.jsonl"
    dump.write_bytes(record_line(record) + lines)
    arguments = ["replay", str(dump), "--data", str(tmp_path / "data"), "--json"]

    answer = CliRunner().invoke(headwater, arguments, standalone_mode=False)

    assert answer.return_value == code, answer.output
    report = json.loads(answer.stdout)
    assert (report["reconciled"], report["unreadable_lines"]) == (True, code)
