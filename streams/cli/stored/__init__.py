"""Commands that ask what was stored: `query`, `explain`, `digest`, `board`."""

from __future__ import annotations

from streams.cli.stored.board import board_command
from streams.cli.stored.digest import digest_command
from streams.cli.stored.explain import explain_command
from streams.cli.stored.query import query_command

__all__ = ["board_command", "digest_command", "explain_command", "query_command"]
