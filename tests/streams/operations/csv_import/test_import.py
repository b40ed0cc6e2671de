"""A team imports its own files: every row is an event, or one line says what to do."""

from __future__ import annotations

import codecs
import gzip
import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streams.cli import headwater
from streams.errors import Stop
from streams.operations.csv_import.cells import CellError, read_money, read_time
from tests.checkout import ROOT
from tests.real_data.real_histories import folder

EXAMPLE = ROOT / "deploy" / "import.example.toml"
FILES = {
    "installs.csv": "user;first open;country;network;campaign;note\n"
    "u1;31.01.2026 12:00;DE;north;c1;\nu2;31.01.2026 13:00;;;;organic\n",
    "sessions.csv": "user,started\nu1,2026-02-01T08:00:00Z\nu2,2026-02-01 08:00\n",
    "payments.csv": "user,paid at,order,price\nu1,2026-02-02T10:00:00+02:00,o1,€ 4.99\n",
    "clicks.csv": "click,clicked at,network,campaign\nk9,1769900000,south,c2\n",
    "costs.csv": "day,network,campaign,cost\n2026-01-31,north,c1,12.50\n",
}


def imported(
    tmp_path: Path,
    files: dict[str, str | bytes],
    rules: str | None = None,
    out: str = "history.jsonl",
) -> tuple[Result, list[tuple[str, dict[str, Any]]]]:
    """The run, and topic and event of each line that it wrote."""
    paths = []
    for name, content in files.items():
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths.append(str(path))
    chosen = EXAMPLE
    if rules is not None:
        chosen = tmp_path / "map.toml"
        chosen.write_text(rules)
    return run_import(chosen, tmp_path / out, paths)


def run_import(
    chosen: Path, out: Path, paths: Sequence[str]
) -> tuple[Result, list[tuple[str, dict[str, Any]]]]:
    arguments = ["import", "--map", str(chosen), "--out", str(out), *paths]
    run = CliRunner().invoke(headwater, arguments, standalone_mode=False)
    lines = out.read_text().splitlines() if run.exception is None and out.exists() else []
    read = [json.loads(line) for line in lines]
    return run, [(one["topic"], json.loads(one["payload"])) for one in read]


def purchases(rows: str, **settings: str) -> tuple[dict[str, str | bytes], str]:
    """A file of purchases and its map, with settings of the map as text."""
    above = "".join(f"{name} = {value}\n" for name, value in settings.items())
    rules = (
        f'app_id = "app"\n{above}[[file]]\nname = "p.csv"\nevent = "purchase"\n'
        '[file.columns]\ninstall_id = "who"\nevent_time = "at"\namount = "price"\n'
        '[file.constants]\ncurrency = "EUR"\n'
    )
    return {"p.csv": rows}, rules


def test_the_example_map_makes_all_kinds_of_events(tmp_path: Path) -> None:
    run, events = imported(tmp_path, dict(FILES))

    assert run.return_value == 0, run.output
    assert [topic for topic, _ in events] == [
        "touchpoints", "installs", "installs", "activity", "activity", "payments", "touchpoints",
        "costs",
    ]  # fmt: skip
    click, install = events[0][1], events[1][1]
    assert install["event_time"] == 1_769_857_200_000  # noon in Berlin
    assert (click["touch_id"], click["campaign_id"]) == (install["click_id"], "c1")
    assert events[5][1]["amount_micros"] == 4_990_000
    assert "country_code" not in events[2][1]


FAULTS = [
    ("who,at,price\nu1,2026-01-01T00:00Z,\"12,50\"\n", {"decimal": '"."'}, "2: column 'price'"),
    ("who,at,price\nu1,2026-01-01T00:00Z,1.234\n", {}, "may be thousands or a fraction"),
    ("who,at,price\nu1,2026-01-01 10:00,1\n", {}, "column 'at': '2026-01-01 10:00' does not say"),
    ("who,at,price\nu1,01/02/2026,1\n", {}, "set time_format"),
    ("who,at,price\nu1,2026-03-29T02:30,1\n", {"time_zone": '"Europe/Berlin"'}, "did not exist"),
    ("who,at,price\nu1,2026-01-01T00:00Z,$5\n", {}, "is not EUR"),
    ("who,at,price\nu1,2026-01-01T00:00Z,-5\n", {}, "a row of an event refund"),
    ("who,at,price\nu1,2026-01-01T00:00Z,\n", {}, "p.csv:2: "),
    ("who,at,price\n,2026-01-01T00:00Z,5\n", {}, "p.csv:2: "),
    ("who,at,price\nu1,2026-01-01T00:00Z,5,6\n", {}, "4 cells under 3 columns"),
    ("who,at\nu1,2026-01-01T00:00Z\n", {}, "column 'price': it is missing; mend amount in the map"),
    ("who,at,price,price\nu1,2026-01-01T00:00Z,5,6\n", {}, "2 columns have this name"),
    ("who,at,price\nu1,2026-01-01T00:00Z,99999999999999999999\n", {}, "more money than there is"),
    ("who,at,price\nu1,0001-01-01,5\n", {"time_zone": '"Europe/Berlin"'}, "the years of calendars"),
    ("who,at,price\n\"u1,2026-01-01T00:00Z,5\n", {}, "a quote is never closed"),
    ("who,at,price\nu1,1999-01-01T00:00Z,5\n", {}, "HEADWATER_EARLIEST_EVENT_TIME"),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "settings", "expected"), FAULTS)
def test_a_row_without_one_meaning_is_left_out_and_said(
    tmp_path: Path, rows: str, settings: dict[str, str], expected: str
) -> None:
    run, events = imported(tmp_path, *purchases(rows, **settings))

    assert run.return_value == 1
    assert events == []
    assert expected in run.stderr
    assert len(run.stderr.splitlines()) == 1
    assert run.stderr.startswith("p.csv:")


def test_a_country_that_workers_would_leave_out_is_said(tmp_path: Path) -> None:
    rows = "user;first open;country;network;campaign\nu1;31.01.2026 12:00;Germany;;\n"
    run, events = imported(tmp_path, {"installs.csv": rows})

    assert events == []
    assert "installs.csv:2: column 'country'" in run.stderr
    assert "such as DE" in run.stderr


def test_a_time_to_come_is_no_history(tmp_path: Path) -> None:
    rows = "who,at,price\nu1,2026-01-01T00:00Z,5\nu2,2095-02-01T10:00Z,5\nu3,4102444800,5\n"
    run, events = imported(tmp_path, *purchases(rows))

    assert [event["install_id"] for _, event in events] == ["u1"]
    assert "p.csv:3: column 'at': '2095-02-01T10:00Z' is in the future" in run.stderr
    assert "p.csv:4: column 'at': '4102444800' is in the future" in run.stderr


def test_one_bad_row_takes_no_other_with_it(tmp_path: Path) -> None:
    rows = "who,at,price\nu1,2026-01-01T00:00Z,5\nu2,soon,5\nu3,2026-01-01T00:00Z,5\n"
    run, events = imported(tmp_path, *purchases(rows))

    assert [event["install_id"] for _, event in events] == ["u1", "u3"]
    assert "p.csv:3: column 'at'" in run.stderr


def test_a_mark_decimal_commas_semicolons_and_blank_lines_are_read(tmp_path: Path) -> None:
    rows = "who;at;price\r\n\r\nu1;2026-01-01T00:00Z;1.234,50 €\r\n"
    files, rules = purchases(rows, decimal='","')
    run, events = imported(tmp_path, {"p.csv": codecs.BOM_UTF8 + rows.encode()}, f"\ufeff{rules}")

    assert run.return_value == 0, run.output
    assert events[0][1]["amount_micros"] == 1_234_500_000
    assert files


def test_another_encoding_is_said_and_read_when_declared(tmp_path: Path) -> None:
    rows = "who,at,price\nJosé,2026-01-01T00:00Z,5\n".encode("cp1252")
    _, rules = purchases("")
    refused, _ = imported(tmp_path, {"p.csv": rows}, rules)
    _, declared = purchases("", encoding='"cp1252"')
    run, events = imported(tmp_path, {"p.csv": rows}, declared)

    assert "set encoding in the map" in refused.stderr
    assert events[0][1]["install_id"] == "José", run.output


def test_many_faults_are_counted_and_the_first_are_told(tmp_path: Path) -> None:
    rows = "who,at,price\n" + "u1,soon,5\n" * 50
    run, _ = imported(tmp_path, *purchases(rows))

    assert len(run.stderr.splitlines()) == 21
    assert "further faults: 30" in run.stderr


WRONG_MAPS = [
    ('[[file]]\nname = "p.csv"\nevent = "purchas"\ncolumns = {}', "'purchas' is not a choice"),
    ('app_id = "a"\n[[file]]\nname = "p"\nevent = "session"\ncolumns = {}', "needs install_id"),
    ('app_id = "a"\n[[file]]\nname = "p"\nevent = "session"\ncolumns = { instal_id = "x" }',
     "did you mean install_id"),
    ('app_id = "a"\ntime_zone = "Berlin"\nfile = []', "IANA names"),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "expected"), WRONG_MAPS)
def test_a_wrong_map_is_said_with_its_key(tmp_path: Path, rules: str, expected: str) -> None:
    run, _ = imported(tmp_path, {"p.csv": "a\n"}, rules)

    assert isinstance(run.exception, Stop)
    assert expected in str(run.exception)


def test_a_file_that_the_map_does_not_name_is_refused(tmp_path: Path) -> None:
    run, _ = imported(tmp_path, {"other.csv": "a\n"})

    assert "no [[file]] of the map has a name that fits" in str(run.exception)


def test_amounts_have_one_reading_or_none() -> None:
    assert read_money("1,234.50", "", "major", "EUR") == (1_234_500_000, "EUR")
    assert read_money("£3", "", "major", "") == (3_000_000, "GBP")
    assert read_money("499", "", "minor", "USD") == (4_990_000, "USD")
    assert read_money("12.50 USD", "", "major", "") == (12_500_000, "USD")
    for text in ("$3", "3", "x", "1.2.3,4,5", "12 EUR"):
        with pytest.raises(CellError):
            read_money(text, "", "major", "USD" if "EUR" in text else "")


def test_a_day_above_twelve_gives_away_that_days_and_months_are_exchanged() -> None:
    with pytest.raises(CellError, match="but of '%d/%m/%Y'") as fault:
        read_time("31/12/2026", "%m/%d/%Y", None)
    assert "may have day and month exchanged" in str(fault.value)
    with pytest.raises(CellError, match="form '%m/%d/%Y': mend time_format"):
        read_time("31/31/2026", "%m/%d/%Y", None)


@pytest.mark.parametrize("out", ["p.csv", "map.toml"])
def test_what_is_read_is_never_written_over(tmp_path: Path, out: str) -> None:
    files, rules = purchases("who,at,price\nu1,2026-01-01T00:00Z,5\n")
    run, _ = imported(tmp_path, files, rules, out=out)

    assert isinstance(run.exception, Stop)
    assert "this is a file that is read" in str(run.exception)
    assert (tmp_path / out).read_text() == {**files, "map.toml": rules}[out]


def test_an_import_that_stops_leaves_what_an_earlier_one_wrote(tmp_path: Path) -> None:
    files, rules = purchases("who,at,price\nu1,2026-01-01T00:00Z,5\n")
    (tmp_path / "history.jsonl").write_text("earlier")
    run, _ = imported(tmp_path, {**files, "unknown.csv": "a\n"}, rules)

    assert isinstance(run.exception, Stop)
    assert (tmp_path / "history.jsonl").read_text() == "earlier"
    assert not [*tmp_path.glob("*.unfinished")]


def test_a_link_is_written_through(tmp_path: Path) -> None:
    files, rules = purchases("who,at,price\nu1,2026-01-01T00:00Z,5\n")
    (tmp_path / "history.jsonl").symlink_to(tmp_path / "whole.jsonl")
    imported(tmp_path, files, rules)

    assert (tmp_path / "history.jsonl").is_symlink()
    assert len((tmp_path / "whole.jsonl").read_text().splitlines()) == 1


def test_a_header_that_is_none_is_told_in_a_short_line(tmp_path: Path) -> None:
    run, _ = imported(tmp_path, *purchases("\x01" + "junk " * 5_000 + "\n"))

    assert max(len(line) for line in run.stderr.splitlines()) < 500
    assert "\x01" not in run.stderr


def test_seconds_and_milliseconds_are_told_apart() -> None:
    assert read_time("1769900000", "", None) == read_time("1769900000000", "", None)


CDNOW = """
app_id = "cdnow"
time_zone = "UTC"
delimiter = "space"
[[file]]
name = "CDNOW_master*"
event = "install"
time_format = "%Y%m%d"
first_only = true
columns = { install_id = "customer_id", event_time = "date" }
[[file]]
name = "CDNOW_master*"
event = "purchase"
time_format = "%Y%m%d"
columns = { install_id = "customer_id", event_time = "date", amount = "dollar_value" }
constants = { currency = "USD" }
"""


def test_purchases_of_a_shop_are_installs_and_purchases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_EARLIEST_EVENT_TIME", "1997-01-01")
    source, chosen = tmp_path / "CDNOW_master.txt.gz", tmp_path / "cdnow.toml"
    chosen.write_text(CDNOW)
    with gzip.open(folder("cdnow") / source.name, "rt", newline="") as text:
        head = list(islice(text, 5_000))
    with gzip.open(source, "wt", newline="") as out:
        out.writelines(head)
    lines = [line.split() for line in head][1:]

    run, events = run_import(chosen, tmp_path / "cdnow.jsonl", [str(source)])

    paid = [event for topic, event in events if topic == "payments"]
    assert run.return_value == 0, run.output
    assert len(paid) == len(lines)
    assert len(events) - len(paid) == len({line[0] for line in lines})
    total = sum(event["amount_micros"] for event in paid) / 1e6
    assert total == pytest.approx(sum(float(line[-1]) for line in lines))
