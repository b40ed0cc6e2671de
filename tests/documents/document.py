"""A Markdown document as the tests read it: fenced blocks, inline code, and links.

The first word of a fence's info string is the language, as GitHub reads it; what follows is for
these tests:

    ```sh                              run with bash, in a folder with a small store in it
    ```sh kafka                        the same beside a real Kafka broker
    ```sh not-run="needs Docker"       not run, for this reason; its commands are still checked
    ```text output                     what the block above printed; `…` stands for anything
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt

from tests.checkout import ROOT

_NOT_DOCUMENTS = {".venv", ".headwater", ".git", "node_modules"}
_NOT_RUN = "not-run="
KAFKA, OUTPUT = "kafka", "output"
INDENTED = "indented"
"""The language of a block without a fence; only its commands are checked."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. `line` is that of its fence, counted from 1."""

    document: str
    line: int
    language: str
    marks: tuple[str, ...]
    text: str

    @property
    def location(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def not_run(self) -> str | None:
        """Why a test does not run this block; None if one does."""
        reasons = [mark for mark in self.marks if mark.startswith(_NOT_RUN)]
        return reasons[0].removeprefix(_NOT_RUN) if reasons else None


@dataclass(frozen=True, slots=True)
class Code:
    """Inline code."""

    document: str
    line: int
    text: str

    @property
    def location(self) -> str:
        return f"{self.document}:{self.line}"


@dataclass(frozen=True, slots=True)
class Document:
    """`links` are the targets of links and images, with the line they stand in."""

    name: str
    text: str
    blocks: tuple[Block, ...]
    codes: tuple[Code, ...]
    links: tuple[tuple[int, str], ...]


@cache
def documents() -> tuple[Document, ...]:
    """Every Markdown file of the checkout, by name."""
    paths = [
        path
        for path in sorted(ROOT.rglob("*.md"))
        if not _NOT_DOCUMENTS & set(path.relative_to(ROOT).parts)
    ]
    return tuple(read_document(path) for path in paths)


def read_document(path: Path) -> Document:
    name, text = str(path.relative_to(ROOT)), path.read_text()
    blocks, codes, links = [], [], []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        line = token.map[0] + 1 if token.map else 0
        if token.type == "fence":
            language, *marks = shlex.split(token.info) or [""]
            blocks.append(Block(name, line, language, tuple(marks), token.content))
        elif token.type == "code_block":
            blocks.append(Block(name, line, INDENTED, (), token.content))
        for child in token.children or ():
            target = child.attrGet("href") or child.attrGet("src")
            if child.type == "code_inline":
                codes.append(Code(name, line, child.content))
            elif target is not None:
                links.append((line, str(target)))
    return Document(name, text, tuple(blocks), tuple(codes), tuple(links))


def blocks_in(*languages: str) -> list[Block]:
    """The blocks of all documents in one of these languages."""
    return [block for item in documents() for block in item.blocks if block.language in languages]
