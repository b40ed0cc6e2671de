"""`headwater experiment analyze`: files as others export them, and one line for what is wrong."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from streams.cli import headwater
from streams.errors import Stop
from streams.operations.experiments import CellRules, FilePlan, analyze_file
from streams.progress import ignore_progress
from tests.checkout import ROOT

FIGURES = {
    "lift",
    "low",
    "high",
    "relative_low",
    "relative_high",
    "fixed_low",
    "fixed_high",
    "p_fixed",
}
COOKIE_CATS = {"gate_30": (44_700, 20_034, 8_502), "gate_40": (45_489, 20_119, 8_279)}
"""Units, and those who came back after 1 and after 7 days: the public counts of an experiment on
where a game puts its first gate."""


def answered(file: Path, *arguments: str) -> dict[str, Any]:
    answer = CliRunner().invoke(
        headwater, ["experiment", "analyze", str(file), "--json", *arguments]
    )
    assert answer.exit_code == 0, (answer.output, answer.exception)
    value = json.loads(answer.output)
    assert isinstance(value, dict)
    return value


def text_of(file: Path, *arguments: str) -> str:
    answer = CliRunner().invoke(headwater, ["experiment", "analyze", str(file), *arguments])
    assert answer.exit_code == 0, (answer.output, answer.exception)
    return answer.output


@pytest.fixture(scope="module")
def cookie_cats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("cats") / "cookie_cats.csv"
    lines = ["userid,version,sum_gamerounds,retention_1,retention_7"]
    for version, (units, day_1, day_7) in COOKIE_CATS.items():
        lines += [
            f"{len(lines) + index},{version},{index % 90},{index < day_1},{index % units < day_7}"
            for index in range(units)
        ]
    file.write_text("\n".join(lines) + "\n")
    return file


def test_a_public_experiment_of_a_game_is_read_as_it_is(cookie_cats: Path) -> None:
    """90,189 players, True and False as pandas writes them, and no variant called control."""
    answer = answered(
        cookie_cats, "--unit", "userid", "--variant", "version", "--metric", "retention_7",
        "--metric", "retention_1", "--metric", "sum_gamerounds",
    )  # fmt: skip
    assert set(answer) == {"variants", "metrics", "sample_ratio_bayes_factor"}
    assert [(v["name"], v["units"]) for v in answer["variants"]] == [
        ("gate_30", 44_700),
        ("gate_40", 45_489),
    ]
    week = answer["metrics"]["retention_7"]
    assert set(week) == FIGURES
    assert week["lift"] == pytest.approx(8_279 / 45_489 - 8_502 / 44_700, abs=1e-12)
    assert week["p_fixed"] == pytest.approx(0.0016, abs=5e-5)  # as many have published
    assert week["low"] < week["fixed_low"] < week["fixed_high"] < 0 < week["high"]


def test_sentences_say_what_many_looks_do_not_show(cookie_cats: Path) -> None:
    text = text_of(cookie_cats, "--variant", "version", "--metric", "retention_7")
    assert "90,189 units: gate_30 44,700, gate_40 45,489. Control: gate_30 by its name" in text
    assert "no difference between gate_40 and gate_30 is shown" in text
    assert "One look planned beforehand would have shown it (p = 0.0016)" in text


def _write(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


def _rows(units: int = 400, lift: float = 0.0, seed: int = 1) -> list[tuple[str, str, float, int]]:
    rng = random.Random(seed)
    rows = []
    for index in range(units):
        group = "control" if index % 2 else "offer"
        orders = rng.choice((0, 1, 1, 2))
        amount = round(orders * rng.uniform(1, 3) + lift * (group == "offer"), 2)
        rows.append((f"u{index}", group, amount, orders))
    return rows


def _csv(rows: list[tuple[str, str, float, int]], mark: str = ",", point: str = ".") -> str:
    lines = [mark.join(("id", "group", "revenue", "orders"))]
    lines += [mark.join((u, g, str(r).replace(".", point), str(o))) for u, g, r, o in rows]
    return "\n".join(lines) + "\n"


PLAIN = ("--unit", "id", "--variant", "group", "--metric", "revenue")


def test_an_email_campaign_has_three_segments_no_ids_and_quoted_cells(tmp_path: Path) -> None:
    """Hillstrom's columns; of several treatments each has its own figures."""
    rng = random.Random(2)
    lines = ["recency,history_segment,history,zip_code,segment,visit,conversion,spend"]
    for index in range(3_000):
        segment = ("Womens E-Mail", "Mens E-Mail", "No E-Mail")[index % 3]
        visit = int(rng.random() < (0.18 if segment == "Mens E-Mail" else 0.10))
        band = '"6) $750 - $1,000"' if index % 7 == 0 else "2) $100 - $200"
        lines.append(f"{index % 12},{band},142.44,Surburban,{segment},{visit},{visit},{visit * 9}")
    file = _write(tmp_path / "hillstrom.csv", "\n".join(lines))
    answer = answered(file, "--variant", "segment", "--metric", "visit", "--covariate", "history")
    assert answer["variants"][0] == {
        "name": "No E-Mail",
        "units": 1_000,
        "expected_share": pytest.approx(1 / 3),
        "is_control": True,
    }
    assert set(answer["metrics"]["visit"]) == {"Womens E-Mail", "Mens E-Mail"}
    assert set(answer["metrics"]["visit"]["Mens E-Mail"]) == FIGURES
    assert answer["metrics"]["visit"]["Mens E-Mail"]["low"] > 0


def test_an_uneven_split_is_broken_until_it_is_declared(tmp_path: Path) -> None:
    """Criteo's file: 85 in 100 are treated, 1 and 0 name the variants."""
    lines = ["f0,treatment,conversion,visit,exposure"]
    lines += [f"12.6,{int(i % 20 > 2)},0,{int(i % 9 == 0)},0" for i in range(20_000)]
    file = _write(tmp_path / "criteo.csv", "\n".join(lines))
    plain = answered(file, "--variant", "treatment", "--metric", "visit")
    assert plain["sample_ratio_bayes_factor"] > 1_000
    assert plain["variants"][0]["name"] == "0"
    assert "THE SPLIT IS BROKEN" in text_of(file, "--variant", "treatment", "--metric", "visit")
    declared = answered(
        file, "--variant", "treatment", "--metric", "visit", "--weights", "0=15,1=85"
    )
    assert declared["sample_ratio_bayes_factor"] < 1


@pytest.mark.parametrize(
    "content",
    [
        _csv(_rows()).encode(),
        b"\xef\xbb\xbf" + _csv(_rows()).encode(),
        _csv(_rows(), ";").encode(),
        ("sep=;\r\n" + _csv(_rows(), ";").replace("\n", "\r\n")).encode(),
        _csv(_rows(), "\t").replace("\n", "\r\n").encode(),
        gzip.compress(_csv(_rows()).encode(), mtime=0),
        _csv(_rows()).replace("\n", "\n\n").encode(),
        _csv(_rows()).replace("u7,", '"u7", ').replace("control", " control ").encode(),
        _csv(_rows()).replace("id,", "id,name\xe9,").replace("u", "u", 1).encode("latin-1")
        .replace(b",control", b",M\xfcller,control").replace(b",offer", b",M\xfcller,offer"),
    ],
    ids=["plain", "bom", "semicolon", "excel", "tabs", "gzip", "blank lines", "quotes", "latin-1"],
)  # fmt: skip
def test_whatever_program_wrote_it_the_answer_is_the_same(content: bytes, tmp_path: Path) -> None:
    plain = answered(_write(tmp_path / "plain.csv", _csv(_rows())), *PLAIN)
    file = tmp_path / "other.csv"
    file.write_bytes(content)
    assert answered(file, *PLAIN) == plain


def test_a_decimal_comma_is_read_when_it_is_named(tmp_path: Path) -> None:
    plain = answered(_write(tmp_path / "plain.csv", _csv(_rows())), *PLAIN)
    file = _write(tmp_path / "comma.csv", _csv(_rows(), ";", ","))
    assert answered(file, *PLAIN, "--decimal-comma") == plain


def test_ratios_are_of_sums_and_a_lift_is_seen(tmp_path: Path) -> None:
    rows = _rows(4_000, lift=1.0)
    file = _write(tmp_path / "lift.csv", _csv(rows))
    figures = answered(file, *PLAIN, "--metric", "revenue/orders")["metrics"]["revenue/orders"]
    sums = {
        group: sum(r for _, g, r, _ in rows if g == group)
        / sum(o for _, g, _, o in rows if g == group)
        for group in ("control", "offer")
    }
    assert figures["lift"] == pytest.approx(sums["offer"] - sums["control"])
    assert figures["low"] > 0
    assert "revenue: higher with offer than with control, between +" in text_of(file, *PLAIN)


def test_before_enough_units_or_payers_nothing_is_claimed(tmp_path: Path) -> None:
    few = answered(_write(tmp_path / "few.csv", _csv(_rows(120, lift=90.0))), *PLAIN)
    assert few["metrics"]["revenue"]["low"] is None
    assert few["metrics"]["revenue"]["lift"] > 80
    rows = [
        (u, g, float(g == "offer" and index < 50), o) for index, (u, g, _, o) in enumerate(_rows())
    ]
    rare = _write(tmp_path / "rare.csv", _csv(rows))
    assert "revenue: too early to say anything of offer" in text_of(rare, *PLAIN)


def test_a_covariate_that_the_treatment_moved_is_not_used(tmp_path: Path) -> None:
    rows = _rows(4_000, lift=1.0)
    lines = _csv(rows).splitlines()
    moved = [
        lines[0] + ",sessions",
        *(f"{x},{r}" for x, (_, _, r, _) in zip(lines[1:], rows, strict=True)),
    ]
    file = _write(tmp_path / "moved.csv", "\n".join(moved))
    plain = answered(file, *PLAIN)
    found = answered(file, *PLAIN, "--covariate", "sessions")["metrics"]["revenue"]
    assert found == pytest.approx(plain["metrics"]["revenue"], rel=1e-9)
    assert "Not used, since it differs between variants: sessions" in text_of(
        file, *PLAIN, "--covariate", "sessions"
    )


def test_amounts_of_any_size_keep_their_digits(tmp_path: Path) -> None:
    """Differences of cents between balances of billions."""
    rows = _rows()
    near = answered(_write(tmp_path / "near.csv", _csv(rows)), *PLAIN)["metrics"]["revenue"]
    far_rows = [(u, g, 1e10 + r, o) for u, g, r, o in rows]
    far = answered(_write(tmp_path / "far.csv", _csv(far_rows)), *PLAIN)["metrics"]["revenue"]
    assert far["lift"] == pytest.approx(near["lift"], abs=1e-5)
    assert far["high"] == pytest.approx(near["high"], rel=1e-4)
    assert far["p_fixed"] == pytest.approx(near["p_fixed"], rel=1e-3)


def complaint(tmp_path: Path, content: str | bytes, **plan: Any) -> str:
    file = tmp_path / "bad.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    columns = FilePlan(**{"variant": "group", "unit": "id", "metrics": ("revenue",), **plan})
    with pytest.raises(Stop) as stop:
        analyze_file(file, columns, {}, 5_000, ignore_progress)
    text = str(stop.value)
    assert text.startswith("bad.csv")
    assert "\n" not in text
    return text.removeprefix("bad.csv")


HEADER = "id,group,revenue,orders\n"
TWO = HEADER + "a,control,1,1\nb,offer,2,0\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ": the file is empty"),
        (HEADER, ": there are no units below the header"),
        ("id,grp,revenue\n1,a,2\n", ":1: no column 'group'; did you mean 'grp'? The header"),
        ("id,group,revenue,revenue\n", ":1: 2 columns are called 'revenue'"),
        (HEADER + "a,control,1,1\n", ": all units are in 'control': there is nothing to compare"),
        (TWO + "\nc,,3,1\n", ":5: the variant is empty"),
        (TWO + ",offer,3,1\n", ":4: id is empty"),
        (TWO + "c,offer,,1\n", ":4: revenue is empty: write 0 if the unit had none (or --empty-is"),
        (TWO + "c,offer,NaN,1\n", ":4: revenue is 'NaN': write 0"),
        (TWO + "c,offer,inf,1\n", ":4: revenue is inf: amounts go up to 1e+15"),
        (TWO + "c,offer,1e16,1\n", ":4: revenue is 1e16: amounts go up to 1e+15"),
        (TWO + 'c,offer,"3,50",1\n', ":4: revenue is '3,50', with a comma: write a point"),
        (TWO + 'c,offer,"1,234.50",1\n', ":4: revenue is '1,234.50': take out commas that group"),
        (TWO + "c,offer,$3.50,1\n", ":4: revenue is '$3.50': write a plain number"),
        (TWO + "c,offer,1_000,1\n", ":4: revenue is '1_000': write a plain number"),
        (TWO + "c,offer,3\n", ":4: 3 cells under 4 columns"),
        (TWO + "a,control,1,1\n", ":4: unit 'a' was on line 2 already: add up its rows first"),
        (TWO + "a ,offer,1,1\n", ":4: unit 'a' is in 'offer', and in 'control' on line 2"),
        (TWO + 'c,"offer,3,1\n', ":4: this is not CSV: a quote is never closed"),
        (HEADER + "a,control,1,1\nb,control,2,1\nc,off,2,1\nd,off,2,1\n", ": control and off"),
        (HEADER + "a,control,1,1\nb,control,1,1\nc,x,1,1\nd,x,1,1\n", ": revenue is the same"),
        (HEADER + "a,control,1,1\nb,control,2,1\nc,x,1,1\n", ": 'x' has one unit"),
        ("\n".join([HEADER.strip(), *(f"a{i},g{i},1,1" for i in range(40))]), ": the column of"),
        (b"PK\x03\x04", ": this is a spreadsheet or zip file: save the sheet as CSV"),
        (b"PAR1", ": this is Parquet: export it as CSV"),
        ("id,group".encode("utf-16"), ": this is UTF-16 text: save it as UTF-8"),
        (gzip.compress(TWO.encode(), mtime=0)[:-9], ": the gzip file is broken"),
    ],
)  # fmt: skip
def test_whatever_is_wrong_is_named_with_its_line(
    content: str | bytes, expected: str, tmp_path: Path
) -> None:
    assert complaint(tmp_path, content).startswith(expected)


def test_wrong_options_are_named(tmp_path: Path) -> None:
    rows = TWO + "c,control,3,0\nd,offer,4,0\n"
    assert "the control 'b': there are control, offer" in complaint(tmp_path, rows, control="b")
    ratio = complaint(tmp_path, TWO + "c,offer,1,0\nd,control,2,0\n", metrics=("revenue/orders",))
    assert ratio == ": orders adds up to nothing in 'offer': revenue/orders has no value there"
    comma = complaint(tmp_path, rows.replace(",3,", ",1.5,"), cells=CellRules(decimal_comma=True))
    assert comma.startswith(":4: revenue is '1.5': with --decimal-comma")
    file = _write(tmp_path / "weights.csv", rows)
    for weights, expected in (
        ("control", "write NAME=SHARE"),
        ("control=0,offer=1", "write NAME=SHARE"),
        ("control=1,other=1", "look at offer, other"),
    ):
        answer = CliRunner().invoke(
            headwater, ["experiment", "analyze", str(file), *PLAIN, "--weights", weights]
        )
        assert answer.exit_code != 0
        assert expected in str(answer.exception) + answer.output


def test_empty_cells_count_as_nothing_when_told_to(tmp_path: Path) -> None:
    rows = _csv(_rows())
    file = _write(tmp_path / "empty.csv", rows.replace(",0.0,", ",,"))
    plain = answered(_write(tmp_path / "zero.csv", rows), *PLAIN)
    assert answered(file, *PLAIN, "--empty-is-zero") == plain


def test_a_plan_names_units_days_and_an_end_that_comes_too_early(tmp_path: Path) -> None:
    example = (ROOT / "deploy/experiment.example.toml").read_text()
    file = _write(
        tmp_path / "offer.toml", example.replace("ends = 2027-04-30", "ends = 2027-03-01")
    )
    answer = CliRunner().invoke(headwater, ["experiment", "plan", str(file), "--json"])
    planned = json.loads(answer.output)
    assert planned["days_declared"] == 49 < planned["plan"]["days"]
    text = CliRunner().invoke(headwater, ["experiment", "plan", str(file)]).output
    assert f"fingerprint {planned['fingerprint']}" in text
    assert f"{planned['plan']['units']:,} units" in text
    assert "declared to end after 49 days: too early" in text
    wrong = _write(tmp_path / "wrong.toml", example.replace("share = 0.5", "share = 0.4"))
    answer = CliRunner().invoke(headwater, ["experiment", "plan", str(wrong)])
    assert (
        str(answer.exception) == f"{wrong}: variant: the shares add up to 0.8; allowed: exactly 1"
    )


def test_looks_of_every_day_say_when_a_difference_was_first_shown(tmp_path: Path) -> None:
    """The last look is the answer; the order of rows and the way times are written do not
    matter."""
    rows = _rows(4_000, lift=0.6)
    lines = _csv(rows).splitlines()
    dated = [
        f"{line},2026-01-{1 + index // 200:02}T10:00:00" for index, line in enumerate(lines[1:])
    ]
    random.Random(4).shuffle(dated)
    file = _write(tmp_path / "dated.csv", "\n".join([lines[0] + ",joined", *dated]))
    picture = tmp_path / "looks.svg"
    text = text_of(file, *PLAIN, "--time", "joined", "--picture", str(picture))
    assert "revenue, offer: of 20 looks, that of 2026-01-0" in text
    assert picture.read_text().startswith("<svg")
    assert "2026-01-20" in picture.read_text()
    plan = FilePlan(variant="group", metrics=("revenue", "revenue/orders"), time="joined")
    report = analyze_file(file, plan, {}, 5_000, ignore_progress)
    assert report.looks is not None
    for looks, comparison in zip(report.looks.looks, report.answer.comparisons, strict=True):
        assert looks.high[-1] == pytest.approx(comparison.high, rel=1e-9)
        assert looks.lift[-1] == pytest.approx(float(comparison.effect.lift), rel=1e-9)
        assert looks.units[-1] == 4_000
    weeks = [f"{line},{index // 1_000}" for index, line in enumerate(lines[1:])]
    by_week = _write(tmp_path / "weeks.csv", "\n".join([lines[0] + ",joined", *weeks]))
    assert "of 4 looks" in text_of(by_week, *PLAIN, "--time", "joined")


def test_a_time_that_is_none_is_named(tmp_path: Path) -> None:
    rows = "id,group,revenue,day\n" + "".join(
        f"u{i},{'ab'[i % 2]},{i % 5},2026-01-01\n" for i in range(8)
    )
    assert complaint(tmp_path, rows + "z,a,1,\n", time="day").startswith(":10: day: ")
    assert "another kind of time" in complaint(tmp_path, rows + "z,a,1,17\n", time="day")
    file = _write(tmp_path / "rows.csv", rows)
    answer = CliRunner().invoke(
        headwater, ["experiment", "analyze", str(file), *PLAIN, "--picture", "x.svg"]
    )
    assert "--picture has no effect without --time" in answer.output
