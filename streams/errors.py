"""Errors a person is meant to read: one line that says what is wrong, where, and what to do."""

from __future__ import annotations


class Stop(Exception):  # noqa: N818  # It ends the program; that is no error of the program.
    """Ends the program with this one line on stderr, no traceback, and exit code 1."""


def in_one_line(error: BaseException | None) -> str:
    """What an error says. The type comes first where the text alone would mean nothing."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    name = type(error).__name__
    text = " ".join(str(error).split()) or name
    is_ours = type(error).__module__.startswith("streams.") or type(error) is RuntimeError
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    return (text if is_ours or text.startswith(name) else f"{name}: {text}") + notes
