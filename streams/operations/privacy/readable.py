"""A page to read of what is held about a person: one file, without scripts, that loads nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import orjson

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>body{{font:15px/1.45 sans-serif;margin:2em;max-width:72em}}
table{{border-collapse:collapse;margin:.5em 0 1.5em}}
td,th{{border:1px solid #bbb;padding:.2em .5em;text-align:left;vertical-align:top}}
td{{overflow-wrap:anywhere}}pre{{white-space:pre-wrap;background:#f4f4f4;padding:1em}}
.note{{color:#555}}</style></head><body>
"""
_HIDDEN = frozenset({"log_epoch", "log_partition", "log_offset", "inserted_at"})


def readable_page(document: Mapping[str, Any]) -> str:
    """HTML of an access document. Every text of it was sent by somebody, and is escaped."""
    title = f"What is held about the person of request {document['request']['subject_request_id']}"
    parts = [_HEAD.format(title=escape(title)), f"<h1>{escape(title)}</h1>"]
    parts += _summary(document)
    for lines in document["explanations"]:
        parts.append(f"<pre>{escape(chr(10).join(lines))}</pre>")
    for table, held in document["held"].items():
        parts += _table(table, held)
    if versions := document["versions_behind_predictions"]:
        parts.append("<h2>Versions of models behind the predictions</h2>")
        parts.append(_rows(versions, {}))
    parts.append("<h2>Where else something may be</h2>")
    parts.append(_rows(document["elsewhere"], {}))
    parts.append("<h2>Tables that are about nobody</h2>")
    nobody = [{"table": name, "holds": text} for name, text in document["names_nobody"].items()]
    parts.append(_rows(nobody, {}))
    return "\n".join([*parts, "</body></html>", ""])


def _summary(document: Mapping[str, Any]) -> Iterator[str]:
    request, person = document["request"], document["person"]
    total = sum(len(held["rows"]) for held in document["held"].values())
    yield (
        f"<p>App {escape(person['app_id'])}; a request of type {escape(request['request_type'])}, "
        f"submitted {escape(str(request['submitted_time']))} UTC; made {document['made_at']}.</p>"
    )
    if not total:
        yield "<p><b>Nothing was found.</b></p>"
    known = ("installs", "device_keys", "account_keys")
    rows = [{"known by": name, "ids": ", ".join(person[name]) or "none"} for name in known]
    yield _rows(rows, {})
    if withheld := document["withheld"]:
        yield f"<p>Not given out, because others share it: {len(withheld)} ids.</p>"
    yield (
        "<p class='note'>Device ids and accounts are stored as pseudonyms only, made with a secret "
        "key. Amounts in columns that end in micros are millionths of the currency.</p>"
    )
    if document["explanations"]:
        yield "<h2>What was decided, and why</h2>"


def _table(name: str, held: Mapping[str, Any]) -> Iterator[str]:
    rows = held["rows"]
    yield f"<h2>{escape(name)}: {len(rows)} rows</h2>"
    yield f"<p>{escape(held['about'])} Found by {escape(held['found_by'])}.</p>"
    if rows:
        yield _rows(rows, held["columns"])


def _rows(rows: Sequence[Mapping[str, Any]], meanings: Mapping[str, str]) -> str:
    """A table of rows; columns that are empty in all of them are left out."""
    names = [
        name
        for name in (rows[0] if rows else ())
        if name not in _HIDDEN and any(row[name] not in ("", None, [], {}) for row in rows)
    ]
    heads = "".join(
        f"<th title='{escape(meanings.get(name, ''), quote=True)}'>{escape(name)}</th>"
        for name in names
    )
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_text(row[name]))}</td>" for name in names) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{heads}</tr>{body}</table>"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
