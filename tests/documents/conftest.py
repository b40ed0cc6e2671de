"""A folder to run blocks in: the repository's files, and the store of a small replay."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.integration.conftest import kafka

__all__ = ["kafka"]

_EVENTS = 2000
_LINKED = (*("schemas", "attribution", "online_models", "streams", "tests", "deploy"), "Makefile")


def clean_environment() -> dict[str, str]:
    """The environment of a person who has set nothing yet and has activated the .venv."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}
    return kept | {"PATH": f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}"}


@pytest.fixture(scope="session")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `traffic.jsonl` and, in `.headwater`, the store it was replayed into."""
    folder = tmp_path_factory.mktemp("replayed")
    for arguments in (
        ("simulate", "--events", str(_EVENTS), "--out", "traffic.jsonl"),
        ("replay", "traffic.jsonl"),
    ):
        subprocess.run(
            [sys.executable, "-m", "streams.cli", *arguments],
            cwd=folder,
            env=clean_environment() | {"PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
        )
    return folder


@pytest.fixture
def workplace(replayed: Path, tmp_path: Path) -> Path:
    """A folder of its own for one document, with a copy of the store."""
    folder = tmp_path / "workplace"
    shutil.copytree(replayed, folder, symlinks=True)
    for name in _LINKED:
        (folder / name).symlink_to(ROOT / name)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder
