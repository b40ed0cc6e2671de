"""Finds the commands in a document and checks them against what the programs really take."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click

from streams.cli import headwater
from tests.checkout import ROOT

_ENDS_COMMAND = re.compile(r"\s(?:\||\|\||&&|;|>|>>|<|2>|&)(?:\s|$)|<<")
_STARTS = re.compile(r"(?:^|[\s;(`])(headwater|make)(?=\s|$)")
TARGETS = frozenset(re.findall(r"^([a-z-]+):.*?## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def commands_in(text: str) -> Iterator[list[str]]:
    """Every `headwater …` and `make …` of a script, as words; comments and heredocs left out."""
    for line in _without_heredocs(text.replace("\\\n", " ")).splitlines():
        for match in _STARTS.finditer(_without_comment(line)):
            rest = line[match.start(1) :]
            end = _ENDS_COMMAND.search(rest)
            try:
                yield shlex.split(rest[: end.start()] if end else rest, comments=True)
            except ValueError:  # A quoted statement that goes on in the next line.
                yield rest.split()[:2]


def _without_heredocs(text: str) -> str:
    return re.sub(r"(<<-?\s*'?(\w+)'?.*?\n)(?:.*\n)*?\2\n", r"\1", text)


def _without_comment(line: str) -> str:
    return re.sub(r"(^|\s)#.*$", "", line)


def fault_of(words: list[str]) -> str | None:
    """What is wrong with a command; None if it would be taken."""
    return _fault_of_make(words) if words[0] == "make" else _fault_of_headwater(words)


def _fault_of_make(words: list[str]) -> str | None:
    unknown = [word for word in words[1:] if re.fullmatch(r"[a-z-]+", word)]
    missing = [word for word in unknown if word not in TARGETS]
    return f"make has no target {missing[0]}" if missing else None


def _fault_of_headwater(words: list[str]) -> str | None:
    command: click.Command = headwater
    rest = words[1:]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        if not re.fullmatch(r"[a-z-]+", rest[0]):
            break
        found = command.commands.get(rest[0])
        if found is None:
            return f"headwater has no command {rest[0]}"
        command, rest = found, rest[1:]
    taken = {name for parameter in command.params for name in parameter.opts}
    taken |= {"--help", "-h", "--version"}
    for word in rest:
        option = word.partition("=")[0]
        if option.startswith("--") and option not in taken:
            return f"headwater {command.name} takes no {option}"
    return None
