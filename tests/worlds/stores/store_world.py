"""How outcomes come into a store, for tests."""

from __future__ import annotations

from collections.abc import Iterable

from schemas import outcomes
from schemas.outcomes import Outcome
from schemas.time import EventMs, LogMs
from streams.store.base import Store
from streams.store.columns import OutcomeDecoder
from streams.store.tables import EPOCH, INSERTED_AT, OFFSET, PARTITION, TABLES
from tests.worlds.postback_world import postback_row
from tests.worlds.stores.fact_outcomes import (
    active_day,
    assignment,
    dropped_field,
    experiment_order,
    milestone,
    privacy_receipt,
    quarantined,
    unit_exposure,
)
from tests.worlds.stores.model_outcomes import (
    drift_alarm,
    model_quality,
    model_version,
    reliability_row,
)
from tests.worlds.stores.traffic_outcomes import (
    NOON,
    booking,
    credit,
    dead_letter,
    decision,
    exposure,
    features,
    ledger,
    parked,
    prediction,
    rate,
    spend,
    touch,
    verdict,
)


def put(
    store: Store,
    rows: Iterable[Outcome],
    first_offset: int = 0,
    partition: int = 0,
    epoch: str = "test",
    inserted_at: int | None = None,
) -> None:
    """Store outcomes as messages of one partition of their topics, at consecutive offsets.

    `inserted_at`, in milliseconds, is when that shall have been; without it, now.
    """
    by_type: dict[type[Outcome], list[Outcome]] = {}
    for row in rows:
        by_type.setdefault(type(row), []).append(row)
    for table in TABLES.values():
        outcomes_of_table = by_type.get(table.outcome, [])
        if outcomes_of_table:
            messages = [outcomes.outcome_encoder.encode(row) for row in outcomes_of_table]
            offsets = list(range(first_offset, first_offset + len(messages)))
            columns = dict(OutcomeDecoder(table).decode(messages, partition, offsets).columns)
            columns[EPOCH] = [epoch] * len(messages)
            columns[PARTITION] = [partition] * len(messages)
            columns[OFFSET] = list(offsets)
            if inserted_at is not None:
                columns[INSERTED_AT] = [inserted_at] * len(messages)
            store.insert(table.name, columns)


def empty(store: Store) -> None:
    """Take every row out again but the journal's; a new store costs ten times as long."""
    filled = store.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase()"
        " AND engine LIKE '%MergeTree' AND total_rows > 0 AND name != 'schema_migrations'"
    )
    for (table,) in filled.rows:
        store.execute(f"TRUNCATE TABLE {table}")


def every_kind() -> list[Outcome]:
    """One outcome for every table."""
    return [
        touch(),
        decision(),
        booking(),
        features(),
        prediction(),
        verdict(),
        credit(),
        exposure(),
        spend(),
        rate(),
        postback_row(),
        outcomes.PrivacyRow(
            subject_request_id="r1",
            app_id="puzzle",
            request_type="erasure",
            identity_types=["idfa", "idfv"],
            identity_keys=["k1", "k2"],
            submitted_time=EventMs(NOON),
            source_topic="privacy-requests",
            source_partition=0,
            source_offset=0,
        ),
        privacy_receipt("i1"),
        parked("m9", "parked"),
        ledger("decided", "installs", [0]),
        dead_letter(),
        quarantined(),
        dropped_field(),
        active_day(),
        milestone(),
        assignment(),
        unit_exposure(),
        experiment_order(),
        outcomes.Freshness(stage="matching", partition=0, stage_time=LogMs(NOON)),
        model_version(1, "payer-10-aaaaaaaa", "published"),
        outcomes.ModelContent(
            content_id="v:0", model="payer", version="v", chunk=0, chunks=1, content="BCIYTQ=="
        ),
        model_quality(),
        reliability_row(),
        drift_alarm(),
    ]
