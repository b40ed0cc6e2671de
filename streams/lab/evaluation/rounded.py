"""Figures as they are shown."""

from __future__ import annotations

from typing import Any

import numpy as np


def rounded(figures: Any) -> Any:
    """Round to five places, also inside of dicts. What is not a finite number becomes None."""
    if isinstance(figures, dict):
        return {name: rounded(value) for name, value in figures.items()}
    if isinstance(figures, float):
        return round(float(figures), 5) if np.isfinite(figures) else None
    return figures
