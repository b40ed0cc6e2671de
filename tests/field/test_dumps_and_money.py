"""Inputs from public reports, through replay: dumps of kcat, withdrawn currencies, huge amounts."""

from __future__ import annotations

import random
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.parts import MICROS_MAX
from streams.errors import Stop
from streams.kafka.kcat import KcatRecord, record_line
from streams.progress import ignore_progress
from streams.replay.report import RunReport
from streams.replay.run import run_replay
from streams.settings import read_settings
from streams.wiring.store import open_store

CASES = Path(__file__).parent
START = 1_790_000_000_000
Rows = list[tuple[Any, ...]]
DEAD = "SELECT reason, detail FROM dead_letters ORDER BY source_offset, reason, detail"
CAMPAIGNS = (
    "SELECT currency, sum(installs), toString(sum(revenue)), toString(sum(revenue_usd))"
    " FROM v_campaign_daily WHERE app_id != 'tick' GROUP BY currency ORDER BY currency"
)


def replayed(folder: Path, file: Path, *queries: str) -> tuple[RunReport, list[Rows]]:
    settings = read_settings({"HEADWATER_DATA": str(folder), "HEADWATER_DEAD_LETTER_SHARE": "1"})
    report = run_replay(settings, [file], 4_000, ignore_progress, is_into=False)
    assert report.accounting.reconciled
    store = open_store(settings)
    try:
        return report, [[tuple(row) for row in store.query(query).rows] for query in queries]
    finally:
        store.close()


def event(topic: str, kind: str, at: int, /, **fields: Any) -> KcatRecord:
    common = {"type": kind, "schema_version": 1, "app_id": "app", "event_time": at}
    return KcatRecord(topic, 0, None, at, None, orjson.dumps(common | fields))


def installed(install_id: str = "i") -> KcatRecord:
    return event("installs", "install", START, event_id=install_id, install_id=install_id)


def written(folder: Path, records: Iterable[KcatRecord]) -> Path:
    file = folder / "events.jsonl"
    file.write_bytes(b"".join(map(record_line, records)))
    return file


# --- dumps ----------------------------------------------------------------------------------------


def test_a_binary_record_of_kcat_is_one_dead_letter(tmp_path: Path) -> None:
    file = CASES / "cases" / "kcat-binary-record.jsonl"
    report, (dead, campaigns) = replayed(tmp_path, file, DEAD, CAMPAIGNS)
    assert [reason for reason, _ in dead] == ["invalid_utf8"]
    assert campaigns == [("USD", 1, "1.99", "1.99")]
    assert report.unreadable_lines == 0


LINES = b"""\
{"topic":"payments","partition":0,"offset":0,"tstype":"create","ts":%(ts)d,"broker":1,"key":7,"payload":null}
% Reached end of topic payments [0] at offset 1
{"topic":"payments","partition":0,"offset":1,"tstype":"create","ts":%(ts)d,"broker":1,"key":null,"pay
{"topic":"payments","partition":0,"offset":2,"ts":%(ts)d,"key":"k","payload":[1]}
{"topic":"__consumer_offsets","partition":0,"offset":9,"ts":%(ts)d,"key":"k","payload":"x"}
{"topic":"payments","partition":0,"offset":3,"tstype":"unknown","ts":-1,"key":"k","payload":"x"}
[]
{"topic":"installs","partition":0,"offset":0,"ts":%(ts)d,"headers":["a",null],"key":1,"payload":%(install)b}
""".replace(b"% R", b"%% R")


def test_every_bad_line_is_a_dead_letter_or_counted_and_the_others_are_decided(
    tmp_path: Path,
) -> None:
    file = tmp_path / "dump.jsonl"
    file.write_bytes(LINES % {b"ts": START, b"install": installed().value})
    report, (dead, installs) = replayed(
        tmp_path, file, DEAD, "SELECT install_id FROM v_attributions"
    )
    assert installs == [("i",)]
    assert [reason for reason, _ in dead] == ["empty", "malformed_json", "missing_field"]
    assert dead[1][1].startswith("dump.jsonl:3: this is not JSON as `kcat -C -J` prints it")
    assert dead[2][1] == 'dump.jsonl:4: "payload" is list; allowed: a string or null'
    assert report.unreadable_lines == 4
    assert report.unreadable_examples[0].startswith("dump.jsonl:2: this is not JSON")
    assert "__consumer_offsets" in report.unreadable_examples[1]
    assert "has no ts" in report.unreadable_examples[2]
    assert "dump.jsonl:7" in report.unreadable_examples[3]
    assert report.as_json()["unreadable_lines"] == 4
    assert sum(line.startswith("unreadable line: ") for line in report.lines()) == 4


def test_a_file_without_any_record_is_refused_with_its_first_fault(tmp_path: Path) -> None:
    file = tmp_path / "dump.jsonl"
    file.write_bytes(b"hello\n")
    with pytest.raises(Stop, match=r"nothing to replay; dump\.jsonl:1: this is not JSON"):
        replayed(tmp_path, file)


def test_a_thousand_damaged_dumps_lose_no_line(tmp_path: Path) -> None:
    """One dump of lines damaged at random: every line is received or counted."""
    draw = random.Random(9)
    lines = [installed()._replace(offset=0)]
    for number in range(1_500):
        paid = event(
            "payments", "purchase", START + number, event_id=f"p{number}", install_id="i",
            transaction_id=f"t{number}", amount_micros=1_000_000, currency="USD",
        )  # fmt: skip
        lines.append(paid._replace(offset=number))
    damaged = [record_line(lines[0])]
    whole = 0
    for line in map(record_line, lines[1:]):
        kind = draw.randrange(4)
        if kind == 0:
            damaged.append(line)
            whole += 1
        elif kind == 1:
            damaged.append(line[: draw.randrange(1, len(line) - 2)] + b"\n")
        elif kind == 2:  # raw bytes in the payload
            at = line.index(b'"payload"') + 12
            damaged.append(line[:at] + bytes(draw.choices(range(0x80, 0x100), k=3)) + line[at:])
        else:
            damaged.append(bytes(draw.choices(range(0x20, 0x100), k=20)) + b"\n")
    file = tmp_path / "dump.jsonl"
    file.write_bytes(b"".join(damaged))
    report, ((paid_count,), (dead_count,)) = replayed(
        tmp_path, file, "SELECT count() FROM v_revenue", "SELECT count() FROM dead_letters"
    )
    assert paid_count == (whole,)
    assert 1 + whole + dead_count[0] + report.unreadable_lines == len(damaged)


# --- currencies -----------------------------------------------------------------------------------


def test_a_backfill_in_a_withdrawn_currency_is_booked(tmp_path: Path) -> None:
    file = CASES / "cases" / "old-currencies-in-history.jsonl"
    _, (dead, campaigns) = replayed(tmp_path, file, DEAD, CAMPAIGNS)
    assert dead == []
    assert campaigns == [("HRK", 1, "39.9", "0")]


# --- sums -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sums-overflow", "sum_overflow_min"])
def test_amounts_beyond_the_bound_are_dead_letters_with_advice(tmp_path: Path, name: str) -> None:
    count = "SELECT count() FROM v_campaign_daily WHERE revenue < 0"
    _, (dead, negative) = replayed(tmp_path, CASES / "cases" / f"{name}.jsonl", DEAD, count)
    assert len(dead) >= 5
    assert {reason for reason, _ in dead} == {"amount_too_large"}
    assert all("send millionths, 1.99 is 1990000" in detail for _, detail in dead)
    assert negative == [(0,)]


def test_sums_of_the_largest_amounts_do_not_wrap(tmp_path: Path) -> None:
    """9,300 allowed amounts of 20 installs, and as many cost lines, exceed 64 bits."""
    draw = random.Random(13)
    amounts = [MICROS_MAX - draw.randrange(1_000_000) for _ in range(9_300)]
    records = [installed(f"i{number}") for number in range(20)]
    for number, micros in enumerate(amounts):
        at = START + 1_000 + number
        records.append(
            event(
                "payments",
                "ad_revenue",
                at,
                event_id=f"a{number}",
                install_id=f"i{number % 20}",
                impression_id=f"a{number}",
                amount_micros=micros,
                currency="USD",
            )
        )
        records.append(
            event(
                "costs",
                "cost",
                at,
                event_id=f"c{number}",
                date="2026-09-21",
                media_source="north",
                ad_id=str(number),
                amount_micros=micros,
                currency="SEK",
            )
        )
    _, (dead, campaigns, issues) = replayed(
        tmp_path,
        written(tmp_path, records),
        DEAD,
        "SELECT toString(sum(revenue)), toString(sum(revenue_usd)), toString(sum(cost)),"
        " toString(sum(unconverted_cost)) FROM v_campaign_daily",
        "SELECT kind, toString(sum(amount)) FROM v_money_issues GROUP BY kind",
    )
    total = str(Decimal(sum(amounts)) / 1_000_000)
    assert sum(amounts) > 2**63
    assert dead == []
    assert campaigns == [(total,) * 4]
    assert issues == [("cost", total)]
