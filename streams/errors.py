"""Errors a person is meant to read: one line that says what is wrong, where, and what to do."""

from __future__ import annotations


class Stop(Exception):  # noqa: N818  # It ends the program; that is no error of the program.
    """Ends the program with this one line on stderr, no traceback, and exit code 1."""
