"""One HTML file with everything in it: rows as tables, charts drawn by the board's own scripts.

It asks nobody for anything: its policy allows the scripts and the style that are in it, by their
hashes, and nothing else. Without JavaScript the tables are there, and the pictures are not.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import orjson

from streams.board.answers import PageAnswer, PanelAnswer
from streams.board.filters import Filters
from streams.board.server import exact

_MARK = "panel-"


def report_page(pages: Sequence[PageAnswer], filters: Filters) -> bytes:
    """The document, in UTF-8."""
    newest = pages[0].newest_day
    title = f"Headwater – {filters.app or 'all apps'}, {filters.days} days to {newest}"
    style = _asset("board.css") + _asset("report.css")
    scripts = (_asset("echarts.common.min.js"), _module())
    policy = (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src {_hash(style)}; script-src {' '.join(map(_hash, scripts))}"
    )
    sections = "".join(map(_section, pages))
    charts = {
        f"{_MARK}{page.page.name}-{answer.panel.name}": answer.as_json()
        for page in pages
        for answer in page.panels
        if _has_picture(answer)
    }
    text = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>{style}</style>
</head>
<body>
<main id="content">
<h1>{html.escape(title)}</h1>
<p id="question">As it was stored when the file was written; days are UTC. {_notice()}</p>
{sections}
</main>
<script type="application/json" id="charts">{_json(charts)}</script>
<script>{scripts[0]}</script>
<script type="module">{scripts[1]}</script>
</body>
</html>
"""
    return text.encode("utf-8", "replace")


def _section(page: PageAnswer) -> str:
    panels = "".join(_panel(page.page.name, answer) for answer in page.panels)
    title, question = html.escape(page.page.title), html.escape(page.page.question)
    return f'<h2>{title}</h2>\n<p>{question}</p>\n<div class="panels">{panels}</div>\n'


def _panel(page: str, answer: PanelAnswer) -> str:
    panel = answer.panel
    kind = "panel wide" if panel.chart.kind in ("table", "figures") else "panel"
    return (
        f'<section class="{kind}"><h3>{html.escape(panel.title)}</h3>'
        f"<p>{html.escape(panel.sentence)}</p>{_answer(page, answer)}"
        f"<details><summary>SQL</summary><pre>{html.escape(answer.sql)}</pre></details></section>\n"
    )


def _answer(page: str, answer: PanelAnswer) -> str:
    if answer.error:
        return f'<p class="error">{html.escape(answer.error)}</p>'
    if not answer.rows:
        return "<p>Nothing in these days.</p>"
    table = f'<div class="rows">{_table(answer)}</div>'
    if not _has_picture(answer):
        return table
    label = html.escape(f"{answer.panel.title}. {answer.panel.sentence}")
    name = f"{_MARK}{page}-{answer.panel.name}"
    picture = f'<div class="picture" id="{name}" role="img" aria-label="{label}"></div>'
    return f"{picture}<details><summary>Rows</summary>{table}</details>"


def _has_picture(answer: PanelAnswer) -> bool:
    return bool(answer.rows) and answer.panel.chart.kind not in ("table", "figures")


def _table(answer: PanelAnswer) -> str:
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in answer.names)
    rows = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>\n" for row in answer.rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table>"


def _cell(value: Any) -> str:
    if value is None:
        return "<td>–</td>"
    if isinstance(value, int | float) and not isinstance(value, bool):
        text = f"{value:,}" if isinstance(value, int) else f"{value:,.15g}"
        return f'<td class="number">{text}</td>'
    return f"<td>{html.escape(str(value))}</td>"


def _module() -> str:
    return _asset("charts.js") + _asset("report.js")


def _notice() -> str:
    return "Charts are drawn by Apache ECharts (Apache-2.0)."


def _asset(name: str) -> str:
    return files("streams.board").joinpath("assets", name).read_text("utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _json(value: Any) -> str:
    """JSON that ends no script, whatever a campaign is called."""
    return orjson.dumps(exact(value), default=str).decode().replace("<", "\\u003c")
