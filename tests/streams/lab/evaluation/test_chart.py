"""Charts are files that any browser shows, and equal ones are equal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from streams.errors import Stop
from streams.lab.evaluation import chart
from streams.lab.evaluation.chart import Chart, Line, write_chart

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def drawn(folder: Path, *lines: Line, name: str = "chart.svg", is_square: bool = False) -> bytes:
    path = folder / name
    write_chart(Chart("a < b", "x", "y", lines, is_square=is_square), path)
    return path.read_bytes()


def test_a_chart_names_its_lines_and_escapes_what_they_are_called(tmp_path: Path) -> None:
    text = drawn(tmp_path, Line("p & q, $5 to $9", [(0.0, 1.0), (1.0, 2.0)])).decode()

    assert "a &lt; b" in text
    assert "p &amp; q, $5 to $9" in text
    ElementTree.fromstring(text)


def test_a_gap_lifts_the_pen(tmp_path: Path) -> None:
    line = Line("model", [(0.0, 1.0), (1.0, 1.0), (2.0, float("nan")), (3.0, 1.0), (4.0, 3.0)])
    colour = chart.COLOURS[0]
    text = drawn(tmp_path, line).decode()

    (curve,) = [
        element.attrib["d"]
        for element in ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}path")
        if colour in element.attrib.get("style", "") and "clip-path" in element.attrib
    ]
    assert curve.count("M") == 2
    assert "nan" not in curve


@pytest.mark.parametrize("is_square", [False, True])
def test_a_chart_of_nothing_is_a_chart(tmp_path: Path, is_square: bool) -> None:
    ElementTree.fromstring(drawn(tmp_path, Line("none", []), is_square=is_square))


@pytest.mark.parametrize("name", ["chart.svg", "chart.png"])
def test_equal_charts_are_equal_files_without_a_date(tmp_path: Path, name: str) -> None:
    line = Line("model", [(0.0, 0.2), (1.0, 0.4)], has_dots=True)
    first, second = (drawn(tmp_path, line, name=name, is_square=True) for _ in range(2))

    assert first == second
    assert first.startswith(PNG_SIGNATURE) is (name == "chart.png")
    assert b"<dc:date>" not in first


def test_without_matplotlib_one_line_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chart, "find_spec", lambda name: None)

    with pytest.raises(Stop, match=r"^charts need matplotlib.*pip install 'headwater\[lab\]'$"):
        drawn(tmp_path, Line("model", []))


def test_neither_the_command_line_nor_a_worker_imports_matplotlib() -> None:
    imports = "import sys, streams.cli, streams.worker.roles, streams.lab.evaluation.chart"
    check = f"{imports}; print([name for name in sys.modules if 'matplotlib' in name])"
    found = subprocess.run([sys.executable, "-c", check], capture_output=True, check=True)

    assert found.stdout.strip() == b"[]"
