"""`headwater credit`: files in, credit out, and one line for whatever is wrong in a file."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from attribution.multi_touch.paths import Path as Row
from streams.cli import headwater, main
from streams.errors import Stop
from streams.operations.path_credit import read_paths

ROWS = "path,conversions,value,nulls\na > b,6,60,2\nb,1,5.5,3\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "paths.csv"
    file.write_text(ROWS)
    return file


def answered(file: Path, *arguments: str) -> dict[str, Any]:
    answer = CliRunner().invoke(headwater, ["credit", str(file), "--json", *arguments])
    assert answer.exit_code == 0, answer.output
    value = json.loads(answer.output)
    assert isinstance(value, dict)
    return value


def complaint(content: str | bytes, tmp_path: Path) -> str:
    """What is said of a file, after its name."""
    file = tmp_path / "bad.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(Stop) as stop:
        list(read_paths(file))
    text = str(stop.value)
    assert text.startswith(f"{file}:")
    assert "\n" not in text
    return text.removeprefix(str(file))


def many_channels(tmp_path: Path, count: int) -> Path:
    names = [f"c{number}" for number in range(count)]
    rows = [f"{one} > {other},2,3,4" for one, other in pairwise(names)]
    file = tmp_path / "many.csv"
    file.write_text("\n".join(["path,conversions,value,nulls", *rows]))
    return file


@pytest.mark.parametrize(
    ("model", "a", "b"),
    [("first", (6, 60), (1, 5.5)), ("last", (0, 0), (7, 65.5)), ("linear", (3, 30), (4, 35.5)),
     ("position", (3, 30), (4, 35.5)), ("shapley", (3, 30), (4, 35.5))],
)  # fmt: skip
def test_json_has_the_model_and_credit_per_channel(
    file: Path, model: str, a: tuple[float, float], b: tuple[float, float]
) -> None:
    answer = answered(file, "--model", model)
    assert answer["model"] == model
    assert answer["channels"] == {
        "a": {"conversions": a[0], "value": a[1]},
        "b": {"conversions": b[0], "value": b[1]},
    }


def test_the_half_life_can_be_chosen(file: Path) -> None:
    answer = answered(file, "--model", "time_decay", "--half-life", "1")
    assert answer["half_life"] == 1
    assert answer["channels"]["a"]["conversions"] == pytest.approx(2)


def test_markov_names_its_order_and_removal_effects(file: Path) -> None:
    answer = answered(file, "--model", "markov")
    assert answer["order"] == 1
    assert answer["removal_effects"]["b"]["conversions"] == pytest.approx(1)
    assert answered(file, "--model", "markov", "--order", "2")["order"] == 2


def test_shapley_on_a_chain_of_few_channels_is_exact(file: Path) -> None:
    answer = answered(file, "--model", "shapley", "--order", "1")
    assert (answer["method"], answer["order"]) == ("exact", 1)
    assert "standard_error" not in answer


def test_shapley_on_a_chain_of_many_channels_states_its_error(tmp_path: Path) -> None:
    file = many_channels(tmp_path, 14)
    answer = answered(file, "--model", "shapley", "--order", "1", "--permutations", "50")
    assert answer["method"] == "sampled"
    assert answer["permutations"] == 100
    assert answer["standard_error"].keys() == answer["channels"].keys()
    assert answer == answered(file, "--model", "shapley", "--order", "1", "--permutations", "50")
    assert sum(one["conversions"] for one in answer["channels"].values()) == pytest.approx(26)


def test_shapley_on_whole_paths_is_exact_for_many_channels_too(tmp_path: Path) -> None:
    answer = answered(many_channels(tmp_path, 40), "--model", "shapley")
    assert answer["method"] == "exact"
    assert answer["channels"]["c1"] == {"conversions": 2, "value": 3}


def test_a_table_lists_channels_with_most_conversions_first(file: Path) -> None:
    answer = CliRunner().invoke(headwater, ["credit", str(file), "--model", "last"])
    words = [line.split() for line in answer.stdout.splitlines() if line.strip()]
    assert [row[0] for row in words if row[0] in "ab"] == ["b", "a"]


def test_columns_of_channelattribution_gzip_and_other_columns_are_read(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain.csv", tmp_path / "packed"
    text = (
        "\ufeffid,total_null,path,total_conversion_value,total_conversions\r\n"
        '7,4,"a, first>b",2.5,1\r\n\r\n8,0.5,b>b,0,0\r\n'
    )
    plain.write_text(text)
    packed.write_bytes(gzip.compress(text.encode()))
    expected = [
        Row(("a, first", "b"), 1, 2.5, 4),
        Row(("b", "b"), 0, 0, 0.5),
    ]
    assert list(read_paths(plain)) == list(read_paths(packed)) == expected


@pytest.mark.parametrize(
    ("rows", "answer"),
    [
        ("a,-1,0,0", ":2: conversions is out of range"),
        ("a,1,-0.5,0", ":2: value is out of range"),
        ("a,1,0,-3", ":2: nulls is out of range"),
        ("a,nan,0,0", ":2: conversions is out of range"),
        ("a,1,inf,0", ":2: value is out of range"),
        ("a,1e16,0,0", ":2: conversions is out of range: 1e16; allowed: 0 to 1e+15"),
        ("a,1,0,0\nb,many,0,0", ":3: conversions is not a number: 'many'"),
        ("a,,0,0", ":2: conversions is not a number: ''"),
        ("a,1_0,0,0", ":2: conversions is not a number: '1_0'"),
        (",1,0,0", ":2: the path is empty"),
        ("  ,1,0,0", ":2: the path is empty"),
        ("a > > b,1,0,0", ":2: a channel of the path has no name"),
        ("a >,1,0,0", ":2: a channel of the path has no name"),
        ("a,0,5,2", ":2: a value of 5 without a conversion"),
        ("a,1,0", ":2: 3 fields, but the header has 4"),
        ("a,1,0,0,0", ":2: 5 fields, but the header has 4"),
        ('"a,1,0,0', ":2: this is not CSV: unexpected end of data"),
    ],
)
def test_a_bad_row_is_named_with_its_line(rows: str, answer: str, tmp_path: Path) -> None:
    assert complaint(f"path,conversions,value,nulls\n{rows}\n", tmp_path).startswith(answer)


@pytest.mark.parametrize(
    ("header", "answer"),
    [
        ("", ":1: no column path"),
        ("path,conversions,value", ":1: no column nulls or total_null"),
        ("path;conversions;value;nulls", ":1: no column path"),
        ("path,value,nulls,conversions,total_conversions", ":1: more than one column conversions"),
    ],
)
def test_a_bad_header_is_named(header: str, answer: str, tmp_path: Path) -> None:
    assert complaint(f"{header}\na,1,1,1\n", tmp_path).startswith(answer)


def test_what_is_no_text_and_what_is_cut_off_is_named(tmp_path: Path) -> None:
    latin = ROWS.encode() + "é,1,1,1\n".encode("latin-1")
    assert complaint(latin, tmp_path).startswith(":4: this is not UTF-8")
    packed = gzip.compress((ROWS + "a,1,1,1\n" * 10_000).encode())
    assert "the gzip file is broken" in complaint(packed[:-20], tmp_path)


def test_an_empty_file_and_one_without_paths_end_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for content, answer in (("", "no column path"), (ROWS.split("\n")[0], "the file has no paths")):
        file = tmp_path / "paths.csv"
        file.write_text(content)
        with pytest.raises(SystemExit) as stop:
            main(["credit", str(file), "--model", "first", "--json"])
        stdout, stderr = capfd.readouterr()
        assert (stop.value.code, stdout) == (1, "")
        assert answer in stderr
        assert len(stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--model", "first", "--order", "2"),
        ("--model", "markov", "--half-life", "2"),
        ("--model", "shapley", "--permutations", "50"),
    ],
)
def test_an_option_the_model_does_not_heed_is_refused(file: Path, arguments: list[str]) -> None:
    answer = CliRunner().invoke(headwater, ["credit", str(file), *arguments])
    assert answer.exit_code == 2
    assert f"{arguments[2]} has no effect with --model {arguments[1]}" in answer.output


def test_a_chain_too_large_says_what_to_do(tmp_path: Path) -> None:
    file = many_channels(tmp_path, 1_200)
    answer = CliRunner().invoke(
        headwater, ["credit", str(file), "--model", "shapley", "--order", "1"]
    )
    assert isinstance(answer.exception, Stop)
    assert "more than 1,000 states: use a lower --order" in str(answer.exception)
