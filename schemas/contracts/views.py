"""The page that documents the SQL views for analysts, made from the comments in the migrations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_INTRODUCTION = """\
# Views

The views that analysts query, with what one row is and what every column means. Tables hold what
Headwater stored, repeats included; views count each repeat once, so query the views.

    headwater query 'SELECT * FROM v_campaign_daily ORDER BY day DESC LIMIT 10'

Times are UTC. Amounts named `*_micros` are integers in millionths of the currency; the others are
decimals. This file is generated from the comments in [`migrations/`](migrations) by
`python -m schemas.contracts`; change it there.
"""

_TOP = re.compile(r"\A((?:--[^\n]*\n)+)\n")
_VIEW = re.compile(
    r"(?P<notes>(?:^--[^\n]*\n)*)^CREATE OR REPLACE VIEW (?P<name>\w+)\n\(\n(?P<columns>.*?)\n\)\n"
    r"(?P<query>AS .*?)^COMMENT '(?P<row>[^\n]*)';$",
    re.DOTALL | re.MULTILINE,
)
_COLUMN = re.compile(r"^    (\w+) (.*) COMMENT '(.*)',?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ViewColumn:
    name: str
    type: str
    description: str


@dataclass(frozen=True, slots=True)
class View:
    """A view as its migration declares it."""

    name: str
    row: str  # what the rows are
    notes: str  # the comment above it
    columns: tuple[ViewColumn, ...]


def views_of(migration: str) -> list[View]:
    """The views that a migration creates, in order."""
    return [
        View(
            found["name"],
            _unquoted(found["row"]),
            _uncommented(found["notes"]),
            tuple(
                ViewColumn(name, kind, _unquoted(text))
                for name, kind, text in _COLUMN.findall(found["columns"])
            ),
        )
        for found in _VIEW.finditer(migration)
    ]


def views_page(migrations: Sequence[str]) -> str:
    """Markdown: a part per migration that adds views, a section per view.

    A view that a later migration declares again keeps its section, with the later declaration.
    """
    latest = {view.name: view for migration in migrations for view in views_of(migration)}
    page, index = [], ["| View | Rows |", "|---|---|"]
    for migration in migrations:
        views = [latest.pop(view.name) for view in views_of(migration) if view.name in latest]
        if not views:
            continue
        title, about = _heading(migration)
        page += ["", f"## {title}", "", about]
        for view in views:
            page += ["", *_section(view)]
            index.append(f"| [`{view.name}`](#{view.name}) | {view.row} |")
    return "\n".join([_INTRODUCTION, *index, *page]) + "\n"


def _heading(migration: str) -> tuple[str, str]:
    """The comment at the top of a migration: its first words up to a stop, and the rest."""
    top = _TOP.match(migration)
    title, about = re.split(r"[.:] ", _uncommented(top[1] if top else ""), maxsplit=1)
    return title, about[:1].upper() + about[1:]


def _section(view: View) -> Iterator[str]:
    yield from (f"### {view.name}", "", view.row)
    if view.notes:
        yield from ("", view.notes)
    yield from ("", "| Column | Type | Meaning |", "|---|---|---|")
    for column in view.columns:
        yield f"| `{column.name}` | `{column.type}` | {column.description} |"


def _uncommented(notes: str) -> str:
    """The text of `--` lines, joined to paragraphs; what is indented stays as it is."""
    text = ""
    for line in notes.splitlines():
        content = line.removeprefix("--").removeprefix(" ")
        if content.startswith("  "):
            text += ("\n\n" if not text.endswith("\n") else "") + f"  {content}\n"
        else:
            text += ("\n" if text.endswith("\n") else " ") + content
    return text.strip()


def _unquoted(text: str) -> str:
    return text.replace("''", "'")
