"""Mutants of valid events; `tests.schemas.mutants.decode_mutants` judges millions of them."""

from __future__ import annotations

import msgspec
import pytest

from schemas.decode import MESSAGE_BYTES_MAX, Defect
from tests.schemas.mutants.byte_mutations import BULK, swollen
from tests.schemas.mutants.decode_mutants import Judge, verdict
from tests.schemas.mutations import VALID, topic_of


def test_every_mutant_is_read_or_refused_by_the_contract() -> None:
    found = verdict(10_000, seed=1)
    assert found["amiss"] == []
    # The mutants reach both sides and most reasons, or they would prove nothing.
    assert found["answers"]["read"] > 1_000
    assert len(found["answers"]) > len(Defect) // 2


@pytest.mark.no_cover  # A tracer would be most of the CPU that it measures.
def test_no_message_that_a_broker_takes_costs_more_than_its_size_allows() -> None:
    judge, click = Judge(), msgspec.json.encode(VALID["touchpoint"][0])
    for bulk in BULK:
        judge.take(swollen(click, MESSAGE_BYTES_MAX - 2_000, bulk), topic_of("touchpoint"))
    assert judge.amiss == []
