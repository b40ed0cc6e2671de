"""Statements that people run: read-only, of one database, within limits of time and memory.

The engine's own `readonly` session refuses what writes tables. It still writes files (INTO
OUTFILE), reads them (the function `file`), ends other people's queries, and lets some settings
rewrite a query. So a statement is also checked against lists of what is allowed: its words, and
the syntax tree that the engine makes of it.
"""

from __future__ import annotations

from streams.store.reading.answer import Document, Readable, ReadAnswer, answer_to, rows_for
from streams.store.reading.limits import ReadLimits

__all__ = ["Document", "ReadAnswer", "ReadLimits", "Readable", "answer_to", "rows_for"]
