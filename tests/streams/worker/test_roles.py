"""What `headwater worker` starts for each role."""

from __future__ import annotations

import subprocess
import sys

import pytest

from streams.settings import read_settings
from streams.worker import roles
from streams.worker.roles import BOARD, learning_child, role_children

ENVIRON = {"HEADWATER_KAFKA": "127.0.0.1:1", "HEADWATER_GROUP_INSTANCE_ID": "pod-0"}


def test_the_learner_beside_core_shares_no_port_folder_or_membership_with_it() -> None:
    settings = read_settings(ENVIRON)
    core, storing = role_children(settings, ENVIRON)
    learning = learning_child(settings, ENVIRON)
    assert learning.arguments[:3] == ("worker", "--role", "learning")
    for name in ("METRICS_PORT", "STATE_DIR", "GROUP_INSTANCE_ID"):
        own = learning.environ[f"HEADWATER_{name}"]
        assert own not in {one.environ.get(f"HEADWATER_{name}") for one in (core, storing)}
    assert read_settings(learning.environ).folders.state != settings.folders.state


def test_the_board_is_served_by_the_process_that_stores() -> None:
    core, storing = role_children(read_settings(ENVIRON), ENVIRON, [BOARD])
    assert BOARD not in core.arguments
    assert storing.arguments[:4] == ("worker", "--role", "storing", BOARD)


def test_a_core_worker_imports_no_learner_before_it_has_to_learn() -> None:
    names = "import sys, streams.worker.core_worker, streams.stages.factory, streams.wiring.parts"
    asked = f"{names}; print('streams.stages.learning.learning' in sys.modules)"
    printed = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == "False"


def test_code_of_users_that_sleeps_costs_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.worker.roles.time.thread_time", lambda: 2.0)
    monkeypatch.setattr("streams.worker.roles.time.monotonic", lambda: 100.0)
    assert roles._cost_seconds() == pytest.approx(2.0 + 100.0 / 25)
