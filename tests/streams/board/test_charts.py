"""What the script draws, run by Node where there is one."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.resources import files

import pytest

BEFORE = """
globalThis.matchMedia = () => ({ matches: false });
let drawn;
globalThis.echarts = {
  getInstanceByDom: () => null, init: () => ({ setOption: (option) => { drawn = option; } }),
};
"""
AFTER = """
draw({}, PANEL);
console.log(JSON.stringify({ x: drawn.xAxis.data, y: drawn.series[0].data }));
"""


def test_days_of_life_are_drawn_in_their_order() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    rows = [[day, 1 - day / 100] for day in range(31)]
    chart = {"kind": "line", "x": "day_n", "ys": ["retention"], "series": ""}
    panel = json.dumps({"columns": ["day_n", "retention"], "rows": rows, "chart": chart})
    script = files("streams.board").joinpath("assets", "charts.js").read_text("utf-8")
    drawn = json.loads(
        subprocess.run(
            [node, "--input-type=module"],
            input=BEFORE + script + AFTER.replace("PANEL", panel),
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        ).stdout
    )
    assert drawn["x"] == [str(day) for day in range(31)]
    assert drawn["y"] == [value for _, value in rows]
