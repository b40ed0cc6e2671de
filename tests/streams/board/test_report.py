"""A report is one file with the figures of the board, which asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.board.pages import PAGES
from streams.board.report.report import PANELS
from streams.cli.command_line import main
from tests.worlds.stores.store_world import every_kind, put
from tests.worlds.stores.traffic_outcomes import decision

NAMED = "</script><script src=//x.example>=1+1"
Write = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("chdb")
    from tests.worlds.stores.migrated import migrated_store

    made = tmp_path_factory.mktemp("report")
    store = migrated_store(made / "chdb")
    put(store, every_kind())
    put(store, [decision("named", campaign_id="odd", campaign_name=NAMED)], first_offset=500)
    store.close()
    return made


@pytest.fixture
def write(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Write:
    def run(*arguments: str, file: Path = tmp_path / "r.html") -> tuple[int, str]:
        with pytest.raises(SystemExit) as end:
            main(["report", "--html", str(file), "--data", str(folder), *arguments])
        return int(end.value.code or 0), capsys.readouterr().err

    return run


def test_the_file_has_every_chart_its_rows_and_nothing_foreign(
    write: Write, tmp_path: Path
) -> None:
    assert write("--app", "puzzle")[0] == 0
    text = (tmp_path / "r.html").read_text()
    scripts = re.findall(r"<script(?P<kind>[^>]*)>(.*?)</script>", text, re.DOTALL)
    assert [kind.strip() for kind, _ in scripts] == [
        'type="application/json" id="charts"', "", 'type="module"',
    ]  # fmt: skip
    bare = re.sub(r"<script.*?</script>|<style.*?</style>", "", text, flags=re.DOTALL)
    assert not re.search(r"<(?:script|link|img|iframe)|<[^>]*\s(?:src|href|on\w+|style)=", bare)
    policy = html.unescape(str(re.search(r'Policy" content="([^"]*)"', text)[1]))  # type: ignore[index]  # it is there
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for _, body in scripts[1:]:
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert html.escape(NAMED) in bare
    charts = json.loads(scripts[0][1])
    for name in ("today-installs", "models-tiers", "fraud-by-day"):
        assert charts[f"panel-{name}"]["rows"]
        assert f'id="panel-{name}"' in bare
    assert "install_id" not in bare


def test_every_panel_of_the_list_is_one_of_the_board() -> None:
    for page, names in PANELS.items():
        assert {panel.name for panel in PAGES[page].panels} >= set(names)


def test_the_window_ends_where_it_is_told_to(write: Write, tmp_path: Path) -> None:
    assert write("--days", "2", "--until", "2025-12-31")[0] == 0
    text = (tmp_path / "r.html").read_text()
    assert "2 days to 2025-12-31" in text
    assert html.escape("BETWEEN toDate('2025-12-30') AND toDate('2025-12-31')") in text


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--app", "nobody"], "there is no app 'nobody'; the apps are puzzle"),
        (["--until", "2031-01-01"], "--until 2031-01-01 is not stored yet: the newest day is 2026"),
        (["--days", "0"], "0 is not in the range"),
    ],
)
def test_what_cannot_be_meant_is_one_line_and_no_file(
    write: Write, tmp_path: Path, arguments: list[str], line: str
) -> None:
    code, errors = write(*arguments)
    assert code != 0
    assert line in errors
    assert not (tmp_path / "r.html").exists()


def test_a_place_that_takes_no_file_is_named(write: Write, tmp_path: Path) -> None:
    for file in (tmp_path / "gone" / "r.html", Path("/dev/full/r.html"), Path("/proc/r.html")):
        code, errors = write(file=file)
        assert code != 0
        assert str(file) in errors
        assert "Traceback" not in errors
