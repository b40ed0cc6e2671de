"""SQL of views as the latest migrations declare them, to be run on a part of the tables.

A view over millions of bookings takes no condition on installs: taking each booking once comes
first. So the same text is run with narrower tables in place of the whole ones: what is built in
parts is by construction what the views say of everything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

_VIEW = re.compile(
    r"^CREATE OR REPLACE VIEW (?P<name>\w+)\n\(\n.*?\n\)\nAS (?P<query>.*?)^COMMENT '[^\n]*';$",
    re.DOTALL | re.MULTILINE,
)


@cache
def view_queries() -> Mapping[str, str]:
    """The query of every view by its name, without comments; later migrations count."""
    folder = resources.files("schemas") / "migrations"
    files = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    found = {}
    for file in sorted(files, key=lambda one: int(one.name.partition("_")[0])):
        for match in _VIEW.finditer(file.read_text(encoding="utf-8")):
            found[match["name"]] = re.sub(r"^\s*--[^\n]*\n", "", match["query"], flags=re.MULTILINE)
    return found


def narrowed(query: str, sources: Mapping[str, str]) -> str:
    """A query that reads other sources in place of tables or views of these names."""
    names = "|".join(map(re.escape, sources))
    return re.sub(
        rf"\b(FROM|JOIN) ({names})\b( AS)?",
        lambda match: f"{match[1]} {sources[match[2]]} AS {'' if match[3] else match[2]}".rstrip(),
        query,
    )
