"""The page of metrics for analysts."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.metrics.metric_file import GrowthMetric

_INTRODUCTION = """\
# Metrics

Metrics of growth, each defined once: formula, unit, when it may be read, and meaning. Sums come
first and quotients after them, so each formula is right for any grouping: replace `app_id` by any
column of the view. Generated from [`metrics.toml`](metrics.toml) by `python -m schemas.contracts`;
change it there.
"""


def metrics_page(metrics: Sequence[GrowthMetric]) -> str:
    """Markdown: a table of all metrics, and a section with a statement for each."""
    page = [_INTRODUCTION, "| Metric | Unit | Meaning |", "|---|---|---|"]
    page += [
        f"| [{metric.title}](#{metric.name}) | {metric.unit} | {metric.description} |"
        for metric in metrics
    ]
    for metric in metrics:
        page += [
            *("", f"## {metric.name}", ""),
            f"{metric.title}, in {metric.unit}. {metric.description}",
            *("", f"*When*: {metric.maturity}", ""),
            *("```sql", metric.sql(), "```"),
        ]
    return "\n".join(page) + "\n"
