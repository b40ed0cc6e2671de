"""The life of a storing worker, from its start to its end."""

from __future__ import annotations

from streams.worker.storing.storing_run import run_storing

__all__ = ["run_storing"]
