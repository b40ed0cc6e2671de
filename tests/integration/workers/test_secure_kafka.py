"""Whole workers behind TLS; `python -m tests.faults "right ways"` goes every way in."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from deploy.local.servers import kafka_absence
from tests.faults.right_ways import two_right_ways_in
from tests.servers_in_use import skip_or_fail


@pytest.mark.chaos
def test_core_with_a_certificate_and_storing_with_a_password_store_the_same_facts(
    tmp_path: Path,
) -> None:
    if absence := kafka_absence():
        skip_or_fail("kafka", absence)
    asyncio.run(two_right_ways_in(tmp_path))
