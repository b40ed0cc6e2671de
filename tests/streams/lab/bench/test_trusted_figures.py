"""What makes figures of a bench comparable: a control beside each, enough events, named peers."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from streams.errors import Stop
from streams.lab.bench.bench import density_of, peer_figures, warn_of_few
from streams.lab.bench.control_loop import ControlLoop
from streams.lab.bench.lap import Lap
from streams.lab.bench.peers import peer_programs
from streams.lab.bench.programs import Running

LAP = Lap(10_000, 5.0, {"core": 0.5, "storing": 0.3, "broker": 0.2, "quix": 0.4}, {})


def test_every_figure_has_the_mean_of_the_control_before_and_after_it() -> None:
    # Five timings a reading; each reads the clock twice. The third reading is twice as slow.
    steps = [0.0, 0.01] * 10 + [0.0, 0.02] * 5
    control = ControlLoop(clock=itertools.accumulate(steps).__next__)
    control.after("first")
    control.after("second")
    first, second = control.microseconds["first"], control.microseconds["second"]
    assert first == pytest.approx(2.0)
    assert second == pytest.approx(3.0)


def test_few_events_are_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    warn_of_few(60_000)
    assert capsys.readouterr().err == ""
    warn_of_few(59_999)
    assert "59,999 events are few" in capsys.readouterr().err


def test_figures_are_per_event() -> None:
    assert density_of(LAP, 3) == {"days": 3, "events_per_second": 2000, "cpu_microseconds": 140.0}
    assert peer_figures(LAP, "quix") == {"events_per_second": 2000, "cpu_microseconds": 40.0}


def test_a_missing_environment_names_the_target_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(Stop, match="make bench-peers"):
        list(peer_programs(tmp_path, tmp_path))


def test_a_peer_may_end_by_itself_but_not_fail() -> None:
    for code in (0, 3):
        process = subprocess.Popen([sys.executable, "-c", f"raise SystemExit({code})"])
        ran = Running({"bytewax": process})
        while not ran.ended("bytewax"):
            pass
        ran.start_counting()  # Its CPU time can still be read.
        if code:
            with pytest.raises(Stop, match="exit code 3"):
                ran.require_all({"bytewax"})
        else:
            ran.require_all({"bytewax"})
            with pytest.raises(Stop, match="exit code 0"):
                ran.require_all()
        process.wait()
