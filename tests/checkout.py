"""Where the repository is: tests read its documents, manifests and examples in place."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
