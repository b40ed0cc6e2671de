"""What producers name becomes a label only as long as there are few names."""

from __future__ import annotations

from streams.worker import metrics
from streams.worker.observers import StageMetrics

LABELLED_APPS = 200


def count(app_id: str) -> float:
    found = metrics.REGISTRY.get_sample_value(
        "headwater_dropped_fields_total", {"app_id": app_id, "field": "test_field"}
    )
    return found or 0.0


def test_apps_beyond_the_first_200_share_a_label() -> None:
    observer = StageMetrics()
    for number in range(LABELLED_APPS + 50):
        observer.on_dropped(f"app-{number}", "test_field")
    observer.on_dropped("app-0", "test_field")
    assert count("app-0") == 2
    assert count(f"app-{LABELLED_APPS - 1}") == 1
    assert count(f"app-{LABELLED_APPS}") == 0
    assert count("(other)") == 50
