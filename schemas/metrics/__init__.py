"""Metrics of growth, defined once in `schemas/metrics.toml`."""

from __future__ import annotations

from schemas.metrics.metric_file import GrowthMetric, growth_metrics
from schemas.metrics.metrics_page import metrics_page

__all__ = ["GrowthMetric", "growth_metrics", "metrics_page"]
