"""Errors as a person reads them."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator

import pytest

import attribution
import online_models
import schemas
import streams
from streams import errors
from streams.errors import Stop, in_one_line

OUTSIDE = {
    "CellError",
    "ChallengerError",
    "FencedInstanceIdError",
    "FileError",
    "LayerFullError",
    "NewerFormatError",
    "NotPlainError",
    "UnlearnableBlockError",
    "UnsettledPositionError",
    "_ColumnError",
}
"""Errors of packages that import nothing of `streams`; the drawing says so below the tree."""

DRAWING = "\n".join(
    line.removeprefix("    ")
    for line in inspect.cleandoc(errors.__doc__ or "").split("\n")
    if re.match(r" {4}(HeadwaterError|[│├└ ]+── )", line)
)


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


def test_every_error_of_the_product_stands_in_the_tree_as_it_is_drawn() -> None:
    for package in (schemas, attribution, online_models, streams):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    drawn = _parents(DRAWING)
    defined = {
        kind.__name__: kind.__bases__[0].__name__
        for kind in _below(Exception)
        if kind.__module__.split(".")[0] in {"schemas", "attribution", "online_models", "streams"}
    }
    outside = {name for name in defined if name in OUTSIDE}
    assert outside == OUTSIDE, "drop from OUTSIDE what is gone"
    assert {name: parent for name, parent in defined.items() if name not in OUTSIDE} == drawn


def _below(kind: type[Exception]) -> Iterator[type[Exception]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def _parents(drawing: str) -> dict[str, str]:
    """Each name of a drawn tree, with the name it hangs from."""
    parents, above = {}, ["Exception"]
    for line in drawing.splitlines():
        branch, name = re.fullmatch(r"([ │├└─]*)(\w+)(?: .*)?", line).groups()  # type: ignore[union-attr]  # A line that is not drawn so fails here.
        depth = len(branch) // 4
        parents[name] = above[depth]
        above[depth + 1 :] = [name]
    return parents
