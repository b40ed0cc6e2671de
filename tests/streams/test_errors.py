"""Errors as a person reads them."""

from __future__ import annotations

import pytest

from streams.errors import Stop, in_one_line


class KafkaConnectionError(Exception):
    """Other people's errors may name themselves."""


def noted(error: Exception, note: str) -> Exception:
    error.add_note(note)
    return error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (Stop("topic x is missing:\n  run it"), "topic x is missing: run it"),
        (ValueError("-1"), "ValueError: -1"),
        (ValueError(), "ValueError"),
        (KafkaConnectionError("KafkaConnectionError: away"), "KafkaConnectionError: away"),
        (noted(Stop("fenced"), "lane intake-2"), "fenced (lane intake-2)"),
        (ExceptionGroup("many", [ExceptionGroup("more", [OSError("full")])]), "OSError: full"),
    ],
)
def test_an_error_is_one_line_that_says_what_it_is_once(error: Exception, line: str) -> None:
    assert in_one_line(error) == line
