"""Files that people write are read as typed values, or refused in one line that says where."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from msgspec import Meta, Struct

from schemas.file_error import Duration, FileError, convert_value, decode_toml, read_toml
from schemas.time import DAY_MS


class Row(Struct, forbid_unknown_fields=True):
    name: str
    kind: Literal["a", "b"] = "a"
    ages: list[Duration] = []
    share: Annotated[float, Meta(ge=0, le=1)] = 0.0


class Table(Struct, forbid_unknown_fields=True):
    row: list[Row] = []


def refusal(text: str) -> FileError:
    with pytest.raises(FileError) as refused:
        read_toml(text, Table)
    assert "\n" not in str(refused.value)
    return refused.value


def test_a_file_is_read_with_its_types() -> None:
    (row,) = read_toml('[[row]]\nname = "x"\nkind = "b"\nages = ["1d", "1.5d"]', Table).row
    assert (row.name, row.kind, row.ages) == ("x", "b", [DAY_MS, 3 * DAY_MS // 2])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[[rows]]", "unknown key 'rows', did you mean row?"),
        ("[[row]]\nnam = 'x'", "row[0]: unknown key 'nam', did you mean name?"),
        ("[[row]]\nzzz = 'x'", "row[0]: unknown key 'zzz'; allowed: name, kind, ages, share"),
        ("[[row]]", "row[0]: Object missing required field `name`"),
        ("[[row]]\nname = 7", "row[0].name: Expected `str`, got `int`"),
        ("[[row]]\nname = 'x'\nkind = 'c'", "row[0].kind: 'c' is not a choice; allowed: a, b"),
        ("[[row]]\nname = 'x'\nkind = [1]", "row[0].kind: [1] is not a choice; allowed: a, b"),
        ("[[row]]\nname = 'x'\nshare = 2", "row[0].share: Expected `float` <= 1.0"),
        (
            "[[row]]\nname = 'x'\nages = ['1d', 7]",
            'row[0].ages[1]: 7 is not a duration such as "30m", "6h" or "7d"',
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_key_and_by_what_is_allowed(text: str, line: str) -> None:
    assert str(refusal(text)) == line


def test_text_that_is_no_toml_is_refused_as_a_whole() -> None:
    for text in ("a = ", "a = 1\na = 2", "a = " + "[" * 5_000):
        with pytest.raises(FileError) as refused:
            decode_toml(text)
        assert refused.value.where == ""


def test_a_part_is_named_below_the_path_it_stands_at() -> None:
    with pytest.raises(FileError) as refused:
        convert_value([{"name": "x"}, {"name": 1}], list[Row], "scope[2].rows")
    assert refused.value.where == "scope[2].rows[1].name"
