"""Draws the screenshot of the README anew: `python -m tests.documents.screenshot`.

Runs the demo and draws what it printed, as a terminal would show it.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile

from rich.console import Console
from rich.text import Text

from tests.checkout import ROOT

IMAGE = ROOT / "deploy" / "images" / "demo.svg"
_WIDTH = 134
_COMMAND = ("headwater", "demo")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        printed = subprocess.run(
            [sys.executable, "-m", "streams.cli", *_COMMAND[1:], "--data", folder],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
    console = Console(record=True, width=_WIDTH, file=io.StringIO())
    console.print(Text(f"$ {' '.join(_COMMAND)}", style="bold"))
    for line in printed.splitlines():
        console.print(Text(line.rstrip()))
    IMAGE.write_text(console.export_svg(title=" ".join(_COMMAND)))


if __name__ == "__main__":
    main()
