"""The walks of ARCHITECTURE.md: within a step, rooms are entered downwards only."""

from __future__ import annotations

import re
import tomllib
from itertools import pairwise

import pytest

from tests.checkout import ROOT

_TEXT = (ROOT / "ARCHITECTURE.md").read_text()
_HEADING = "## Five walks through the code\n"
WALKS = ("touchpoint", "install", "payment", "example", "setting")


def _layers() -> dict[str, int]:
    """Folder to its depth, by the contracts of import-linter."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layered = [found for found in contracts["contracts"] if found["type"] == "layers"]
    packages = next(found["layers"] for found in layered if "containers" not in found)
    streams = next(found for found in layered if found.get("containers") == ["streams"])
    rows = [*(re.sub(r"(\w+)", r"streams/\1", row) for row in streams["layers"]), *packages[1:]]
    return {room.strip(): depth for depth, row in enumerate(rows) for room in row.split("|")}


LAYERS = _layers()


def _walks() -> dict[str, list[str]]:
    """The steps of every walk."""
    section = _TEXT.split(_HEADING)[1].split("\n## ")[0]
    found = {}
    for part in section.split("\n### ")[1:]:
        title, _, steps = part.partition("\n")
        found[title.split()[-1]] = re.split(r"\n(?=\d+\. )", steps.strip())
    return found


def _depth(path: str) -> int:
    parts = path.split("/")
    return LAYERS["/".join(parts[:2]).removesuffix(".py") if parts[0] == "streams" else parts[0]]


def _rooms(step: str) -> list[str]:
    return re.findall(r"`((?:streams|attribution|online_models|schemas)/[\w/.]+)`", step)


def test_there_is_a_walk_for_each_kind_of_traveller() -> None:
    assert tuple(_walks()) == WALKS


@pytest.mark.parametrize("walk", WALKS)
def test_no_step_of_a_walk_goes_up(walk: str) -> None:
    steps = _walks()[walk]
    upwards = [
        f"{walk}, {step[:20]!r}: {upper} calls {lower}"
        for step in steps
        for upper, lower in pairwise(_rooms(step))
        if _depth(lower) < _depth(upper)
    ]
    assert all(map(_rooms, steps)), "every step names the files it passes through"
    assert not upwards


def test_the_layers_are_those_of_import_linter() -> None:
    section = _TEXT.split("## Layers\n")[1].split("\n## ")[0]
    shown = [set(re.findall(r"\w+", row.split("  ")[-1])) for row in _rows(section)]
    rooms = [
        {room.removeprefix("streams/") for room, depth in LAYERS.items() if depth == level}
        for level in sorted(set(LAYERS.values()))
    ]
    assert shown == rooms


def _rows(section: str) -> list[str]:
    """The names of the rooms in each line of the drawing."""
    drawing = section.split("```text\n")[1].split("```")[0]
    return [line[12:].split("   ")[0].strip() for line in drawing.splitlines()]
