"""No leakage: what was logged after a landmark must not show in the features at that landmark."""

from __future__ import annotations

import random

from msgspec.structs import replace

from online_models.features.carried import carried_features
from online_models.scoring.landmarks import LANDMARKS
from schemas import topics
from schemas.events import Install
from schemas.records import (
    ActivitySeen,
    Candidates,
    Erased,
    JourneyFrame,
    JourneyRecord,
    MoneyRouted,
    SiteVerdict,
    frame_encoder,
    journey_frames,
    journey_key,
    partition_of,
)
from streams.replay.memory_log import MemoryRecord
from streams.stages.contract import CLOCK_KEY, Message
from streams.stages.factory import StageRules
from tests.simulation.oracle import projection
from tests.simulation.oracle.invariants import same
from tests.simulation.oracle.oracle import Oracle
from tests.simulation.topology.lane import Disk
from tests.simulation.topology.machines import factory
from tests.simulation.topology.storing_worker import Row
from tests.simulation.topology.topology import Topology


def check(run: Topology, rules: StageRules, oracle: Oracle, chance: random.Random) -> None:
    """Removing every event after a landmark leaves the features at that landmark unchanged.

    The install itself is scored without waiting for partitions that lag behind, so its features
    are compared over the same log of its journey; later ones over the pruned source logs.
    """
    rows = projection.tables(run.warehouse.rows)["features"]
    if not rows:
        return
    row = chance.choice(rows)
    install = oracle.installs[row["install_id"]]
    known_by = max(row["landmark_time"], install.ts)
    _check_journey_log(run, rules, row, known_by)
    if row["landmark"] != "install" and install.ts < row["landmark_time"]:
        is_forgotten = row["install_id"] in oracle.forgotten()
        _check_sources(run, rules, row, known_by, is_forgotten=is_forgotten)


def check_order(calm: Topology, wild: Topology, oracle: Oracle) -> None:
    """Features after the install are there in time, and the same whatever was read first.

    Of who asked to be forgotten there may be none: a request may be read before the install.
    Whoever has a device or click of theirs is cut off from it once the journey of the erased
    install has said so, which no watermark waits for: until then a landmark may know what was.
    """
    forgotten, anew = oracle.forgotten(), oracle.beginning_anew()
    features = [_carried(projection.tables(run.warehouse.rows)) for run in (calm, wild)]
    for install_id, install in oracle.installs.items():
        for landmark in LANDMARKS[1:]:
            at = install.event.event_time + landmark.after_ms
            name = f"{install_id}:{landmark.name}"
            found = [rows.get(name) for rows in features]
            if install.ts >= at:  # Nobody knew of it then.
                continue
            if all(found) and install_id not in anew:
                same(f"order: {name}", found[1], found[0])
            if install_id in forgotten:
                continue
            is_due = at <= calm.scenario.ends_at and not _refuses(install.event)
            same(f"order: {name} is there", list(map(bool, found)), [is_due] * 2)


def _refuses(event: Install) -> bool:
    """Whether the person forbids to use anything of theirs, so that nothing is predicted."""
    return event.consent is not None and event.consent.data_usage is False


def _check_sources(
    run: Topology, rules: StageRules, row: Row, known_by: int, *, is_forgotten: bool
) -> None:
    def is_later(message: Message) -> bool:
        return message.key != CLOCK_KEY and (message.timestamp or 0) > known_by

    pruned = Topology(run.scenario.without(is_later), rules, 0)
    pruned.run_undisturbed()
    stored = projection.tables(pruned.warehouse.rows)
    # Whether the install was scored with the same credit decides which later landmarks have rows.
    features = _carried(stored).get(row["feature_id"])
    if features is None and is_forgotten:  # The request was read before the install there.
        return
    same(f"leakage: {row['feature_id']}", features, row["features"])


def _check_journey_log(run: Topology, rules: StageRules, row: Row, known_by: int) -> None:
    partitions = run.scenario.partitions
    tp = (
        topics.JOURNEYS.name,
        partition_of(journey_key(row["app_id"], row["install_id"]), partitions),
    )
    stage = factory(rules, run.log)("journeys", tp[1], partitions)
    records = [_pruned(record, known_by) for record in run.log.committed(tp)]
    messages = stage.decide(records, Disk()).messages.get((topics.FEATURES.name, tp[1]), [])
    rows = projection.tables_of(
        {(topics.FEATURES.name, 0): [message.value or b"" for message in messages]}
    )
    features = _features(rows["features"])
    same(f"leakage: {row['feature_id']}", features.get(row["feature_id"]), row["features"])


def _pruned(record: MemoryRecord, known_by: int) -> MemoryRecord:
    frame = journey_frames.decode(record.value or b"")
    kept = [cut for one in frame.records if (cut := _known(one, known_by)) is not None]
    return record._replace(value=frame_encoder.encode(JourneyFrame(frame.watermarks, kept)))


def _known(record: JourneyRecord, known_by: int) -> JourneyRecord | None:
    match record:
        case Candidates():
            touches = [touch for touch in record.touches if touch.ts <= known_by]
            priors = [prior for prior in record.priors if prior.ts <= known_by]
            return replace(record, touches=touches, priors=priors)
        case SiteVerdict() | Erased():
            return record if record.ts <= known_by else None
        case ActivitySeen():
            return record if record.ts <= known_by else None
        case MoneyRouted():
            return record if record.money.ts <= known_by else None
    return record


def _features(rows: list[Row]) -> dict[str, dict[str, float]]:
    return {one["feature_id"]: one["features"] for one in rows}


def _carried(tables: projection.Tables) -> dict[str, dict[str, float]]:
    """Features at every landmark that has predictions."""
    found = _features(tables["features"])
    reached = {f"{one['install_id']}:{one['landmark']}" for one in tables["predictions"]}
    for install_id in {name.rpartition(":")[0] for name in reached}:
        last = ""
        for landmark in LANDMARKS:
            name = f"{install_id}:{landmark.name}"
            if last and name in reached and name not in found:
                found[name] = carried_features(found[f"{install_id}:{last}"], last, landmark.name)
            last = landmark.name if name in found else last
    return found
