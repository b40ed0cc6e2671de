"""Errors a person is meant to read: one line that says what is wrong, where, and what to do."""

from __future__ import annotations


class Stop(Exception):
    """Ends the program with this one line on stderr, no traceback, and exit code 1."""
