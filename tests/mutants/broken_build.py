"""A copy of the checkout with one place changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.checkout import ROOT
from tests.mutants.mutants import Mutant

PACKAGES = ("attribution", "deploy", "online_models", "schemas", "streams", "tests")
TEST_SECONDS = 300.0
_FAILED = 1
"""Exit code of pytest where tests ran and failed; any other says nothing of the mutant."""


def copy_checkout(folder: Path) -> None:
    """Links to all files that the tests need, which costs neither time nor room."""
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, copy_function=_link, ignore=ignored)
    _link(str(ROOT / "pyproject.toml"), str(folder / "pyproject.toml"))


def is_found(mutant: Mutant, folder: Path) -> bool:
    """Whether the mutant's test fails on it, in a copy that is whole again afterwards."""
    file = folder / mutant.file
    text = file.read_text()
    file.unlink()  # It is the file of the checkout, too.
    try:
        file.write_text(broken(mutant, text))
        return exit_code_of(mutant.test, folder) == _FAILED
    finally:
        file.write_text(text)


def broken(mutant: Mutant, text: str) -> str:
    """The text of the file with the fault in it."""
    assert text.count(mutant.old) == 1, f"{mutant.file} no longer says {mutant.old!r} once"
    return text.replace(mutant.old, mutant.new)


def exit_code_of(test: str, folder: Path) -> int:
    """What pytest says of a file of tests in this copy."""
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "--tb=no", "--no-cov"]
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", test],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=TEST_SECONDS,
        check=False,
    ).returncode


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # Another file system.
        shutil.copy2(source, target)
