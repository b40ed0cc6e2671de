"""The production image holds the product and nothing it does not need there."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from tests.checkout import ROOT

DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
BUILD, FINAL = DOCKERFILE.split("\nFROM ", 2)[1:]
EMBEDDED = {"chdb", "confluent-kafka", "pyarrow"}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return found


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=~!\[ ;]", requirement)[0] for requirement in requirements}


def test_the_image_has_no_embedded_servers(project: dict[str, Any]) -> None:
    (install,) = re.findall(r"pip install .*", BUILD)
    assert install.endswith(" --constraint constraints.txt '.[fast]'")
    extras = project["optional-dependencies"]
    assert not EMBEDDED & _names([*project["dependencies"], *extras["fast"]])
    assert _names(extras["embedded"]) >= EMBEDDED


def test_compiled_code_is_kept_where_the_worker_may_write() -> None:
    (kept,) = re.findall(r"NUMBA_CACHE_DIR=(\S+)", FINAL)
    (written,) = re.findall(r"HEADWATER_DATA=(\S+)", FINAL)
    assert kept.startswith(written + "/")


def test_only_the_installed_environment_leaves_the_build() -> None:
    copied = re.findall(r"^COPY .*", FINAL, re.MULTILINE)
    assert copied == ["COPY --from=build /opt/headwater /opt/headwater"]
    assert "pip" not in FINAL


def test_the_image_does_not_run_as_root() -> None:
    (user,) = re.findall(r"^USER (\d+):(\d+)$", FINAL, re.MULTILINE)
    assert "0" not in user
    assert f"useradd --uid {user[0]} --gid {user[1]}" in FINAL


def test_signals_reach_the_worker_itself() -> None:
    assert 'ENTRYPOINT ["headwater"]' in FINAL


def test_the_build_sees_every_package_that_is_installed(project: dict[str, Any]) -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for pattern in setuptools["packages"]["find"]["include"]:
        package = pattern.rstrip("*")
        assert f"!{package}/" in ignored
        assert f"COPY {package}/ {package}/" in BUILD
    for name in (project["readme"], *project["license-files"], "constraints.txt"):
        assert f"!{name}" in ignored
        assert f" {name} " in re.findall(r"COPY pyproject.*", BUILD)[0]
