"""CSV that a spreadsheet opens as text, and runs nothing of.

Names of campaigns, sites and events come from outside. A cell that begins with `=`, `+`, `-`, `@`,
a tab or a line break is a formula to Excel, LibreOffice and Google Sheets, in quotes as well; and
where `;` or a tab separates cells, so is what follows one within a text. An apostrophe before it
makes it a text (OWASP, "CSV Injection"). Numbers are not in quotes, and stay as they are.
"""

from __future__ import annotations

import re

_QUOTED = re.compile(rb'"([^"]*(?:""[^"]*)*)"')
_SIGNS = "[=+\\-@\uff1d\uff0b\uff0d\uff20]"
"""Also as wide as a Chinese or Japanese keyboard writes them."""
_FORMULA = re.compile(f"(?:\\A(?=[\t\r\n])|(?:\\A|(?<=[;\t\r\n]))(?={_SIGNS}))")


def for_spreadsheets(document: bytes) -> bytes:
    """A document of format CSV or CSVWithNames without cells that are formulas."""
    return _QUOTED.sub(_as_text, document)


def _as_text(cell: re.Match[bytes]) -> bytes:
    text = cell[1].decode("utf-8", "surrogateescape")
    safe = _FORMULA.sub("'", text)
    return cell[0] if safe == text else f'"{safe}"'.encode("utf-8", "surrogateescape")
