"""Every name in a document exists: settings, relations, metrics, commands, files, identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

import pytest

from tests.checkout import ROOT
from tests.documents.command_line import commands_in, fault_of
from tests.documents.document import Code, Document, documents
from tests.documents.vocabulary import (
    FOLDERS,
    alerts,
    metrics,
    relations,
    settings,
    words_of_code,
)

OTHERS_NAMES = {
    "StatefulSet": "Kubernetes",
    "PodMonitor": "Prometheus operator",
    "NetworkPolicy": "Kubernetes",
    "PodDisruptionBudget": "Kubernetes",
    "PodDisruptionBudgets": "Kubernetes",
    "ConfigMap": "Kubernetes",
    "MultinomialNB": "River",
    "ComplementNB": "River",
}
"""Identifiers of other programs that documents name."""
_MADE_BY_USE = (".headwater", "first.jsonl", "traffic.jsonl", "other.toml", "paths.csv")
"""Files that the reader makes."""
_FILE_ENDINGS = r"(?:py|md|toml|sql|json|yaml|yml|svg|png|xml|properties)"
_PATH = re.compile(rf"[\w.*{{}},/-]+(?:/|\.{_FILE_ENDINGS})|[\w.-]+(?:/[\w.*-]+)+")
_EVERY_DOCUMENT = pytest.mark.parametrize("document", documents(), ids=lambda item: item.name)


@_EVERY_DOCUMENT
def test_every_setting_exists(document: Document) -> None:
    named = set(re.findall(r"\bHEADWATER_[A-Z_]*[A-Z]\b", document.text))
    assert named <= settings(), _unknown(document, named - settings())


@_EVERY_DOCUMENT
def test_every_view_exists(document: Document) -> None:
    named = set(re.findall(r"\bv_[a-z_]+[a-z]\b", document.text))
    assert named <= relations(), _unknown(document, named - relations())


@_EVERY_DOCUMENT
def test_every_metric_exists(document: Document) -> None:
    named = set(re.findall(r"\bheadwater_[a-z_]+[a-z]\b(?![*_])", document.text))
    assert named <= metrics(), _unknown(document, named - metrics())


@_EVERY_DOCUMENT
def test_every_link_leads_somewhere(document: Document) -> None:
    folder = (ROOT / document.name).parent
    broken = []
    for line, target in document.links:
        path, _, anchor = unquote(target).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        found = (folder / path).resolve() if path else ROOT / document.name
        if not found.exists():
            broken.append(f"{document.name}:{line}: {target}")
        elif anchor and found.suffix == ".md" and anchor not in _anchors(found.read_text()):
            broken.append(f"{document.name}:{line}: {target} (no such heading)")
    assert not broken


def _anchors(text: str) -> set[str]:
    """The anchors that GitHub makes of headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }


@_EVERY_DOCUMENT
def test_every_file_that_is_named_exists(document: Document) -> None:
    missing = [
        f"{code.location}: {path}"
        for code in document.codes
        for path in _paths_in(code)
        if not _exists(document, path)
    ]
    assert not missing, f"{missing}: write the path from the top of the repository"


def _paths_in(code: Code) -> Iterator[str]:
    """What looks like a file of ours: it ends like one, or begins with one of our folders."""
    if not _PATH.fullmatch(code.text) or code.text.startswith("/"):
        return
    first = code.text.partition("/")[0]
    is_ours = first in FOLDERS and "/" in code.text
    if is_ours or re.search(rf"\.{_FILE_ENDINGS}$", code.text):
        yield code.text


def _exists(document: Document, path: str) -> bool:
    if path.startswith(_MADE_BY_USE):
        return True
    folder = (ROOT / document.name).parent
    return any(
        place.exists() or any(place.parent.glob(place.name))
        for place in (
            ROOT / path,
            folder / path,
        )
    )


@_EVERY_DOCUMENT
def test_every_command_in_the_text_exists(document: Document) -> None:
    faults = [
        f"{code.location}: {fault}"
        for code in document.codes
        if code.text.startswith(("headwater ", "make "))
        for words in commands_in(code.text)
        if (fault := fault_of(words))
    ]
    assert not faults


@_EVERY_DOCUMENT
def test_every_identifier_in_the_text_is_in_the_code(document: Document) -> None:
    """Class names, alerts, and dotted names of modules and their members."""
    known = words_of_code() | alerts() | OTHERS_NAMES.keys()
    unknown = []
    for code in document.codes:
        if re.fullmatch(r"[A-Z][a-z0-9]+(?:[A-Z][A-Za-z0-9]*)+", code.text):
            is_known = code.text in known
        elif re.fullmatch(rf"(?:{'|'.join(FOLDERS)})(?:\.\w+)+", code.text):
            is_known = _is_importable(code.text)
        else:
            continue
        if not is_known:
            unknown.append(f"{code.location}: {code.text}")
    assert not unknown


def _is_importable(dotted: str) -> bool:
    """A package, a module, or a name that a module's text holds."""
    path = ROOT / dotted.replace(".", "/")
    if path.is_dir() or path.with_suffix(".py").exists():
        return True
    module, name = path.parent.with_suffix(".py"), path.name
    package = path.parent / "__init__.py"
    return any(
        file.exists() and re.search(rf"\b{re.escape(name)}\b", file.read_text())
        for file in (module, package)
    )


def _unknown(document: Document, names: set[str]) -> str:
    lines = document.text.splitlines()
    found = [
        f"{document.name}:{number}: {name}"
        for name in sorted(names)
        for number, line in enumerate(lines, start=1)
        if re.search(rf"\b{re.escape(name)}\b", line)
    ]
    return f"these do not exist: {found}"
