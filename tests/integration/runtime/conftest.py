"""What the tests of the commit path share."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.servers import KafkaServer
from tests.integration.runtime.log_bench import LogBench, new_log_bench


@pytest.fixture
def log_bench(kafka: KafkaServer, tmp_path: Path) -> LogBench:
    """Topics of one test, on a real broker."""
    return new_log_bench(kafka.address, tmp_path)
