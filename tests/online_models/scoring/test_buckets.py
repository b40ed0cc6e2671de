"""Shares of all ids are as large as they say, independent, and the same in every language."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import schemas
from online_models.drift.feature_watch import is_watched
from online_models.scoring.landmark_scores import is_judged
from online_models.scoring.tiers import is_challenged
from schemas.buckets import BUCKETS, bucket_of_bytes, bucket_of_id, is_in_share, salt_prefix

VECTORS = json.loads((Path(schemas.__file__).parent / "examples/buckets.json").read_text())
IDS = [f"install-{number}" for number in range(20_000)]


@pytest.mark.parametrize("vector", VECTORS, ids=[f"{one['salt']}:{one['id']}" for one in VECTORS])
def test_every_language_finds_the_same_bucket(vector: dict[str, str]) -> None:
    assert bucket_of_id(vector["salt"], vector["id"]) == int(vector["bucket"])
    as_bytes = bucket_of_bytes(salt_prefix(vector["salt"]), vector["id"].encode())
    assert as_bytes == int(vector["bucket"])


def test_a_share_is_as_large_as_it_says() -> None:
    assert sum(is_in_share("a", one, 0.25) for one in IDS) == pytest.approx(5_000, rel=0.04)
    assert not any(is_in_share("a", one, 0.0) for one in IDS)
    assert all(is_in_share("a", one, 1.0) for one in IDS)
    assert max(bucket_of_id("a", one) for one in IDS) < BUCKETS


def test_judged_challenged_and_watched_installs_are_independent() -> None:
    """Or a challenger would be judged on all of its installs, or on none of them."""
    challenged = [one for one in IDS if is_challenged(one, 0.1)]
    assert len(challenged) == pytest.approx(2_000, rel=0.08)
    judged, watched = sum(map(is_judged, challenged)), sum(map(is_watched, challenged))
    assert judged == pytest.approx(len(challenged) / 4, rel=0.12)
    assert watched == pytest.approx(len(challenged) / 8, rel=0.2)
