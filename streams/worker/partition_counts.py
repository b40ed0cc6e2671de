"""How many partitions the topics of a core worker have, and whether they fit together."""

from __future__ import annotations

from typing import NamedTuple

from streams.errors import HeadwaterError
from streams.runtime.lane import LaneSpec
from streams.runtime.offsets import Offsets
from streams.settings.core import CoreSettings


class SetupError(HeadwaterError):
    """The broker does not have what the worker needs; the message says what to do."""


class PartitionCounts(NamedTuple):
    """Partitions of the topics between stages, and of the source topics, which are as many unless
    this generation was made by re-keying."""

    stages: int
    sources: int


async def partition_counts(
    offsets: Offsets, specs: tuple[LaneSpec, ...], settings: CoreSettings
) -> PartitionCounts:
    counts = {
        name: await offsets.partitions(name)
        for s in specs
        if not s.single_partition
        for name in s.inputs
    }
    missing = sorted(name for name, count in counts.items() if not count)
    if missing:
        raise SetupError(f"topic {missing[0]} does not exist: run `headwater migrate`")
    sources = {name for s in specs if s.is_source for name in s.inputs}
    of_sources = {counts[name] for name in counts if name in sources}
    of_stages = {counts[name] for name in counts if name not in sources}
    all_counts = of_sources | of_stages
    is_rekeyed = settings.generation > 1 and max(len(of_sources), len(of_stages)) == 1
    if len(all_counts) > 1 and not is_rekeyed:
        wrong = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
        raise SetupError(
            f"topics differ in their number of partitions ({wrong}): `headwater doctor` has advice"
        )
    return PartitionCounts(max(of_stages or of_sources), max(of_sources or of_stages))
