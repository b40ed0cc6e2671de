"""Reads the store: one statement, or the digest of every table."""

from __future__ import annotations

from streams.settings import Settings
from streams.store.base import QueryResult
from streams.store.cohorts import CohortBuild, build_cohorts
from streams.store.digest import converged_digest, store_digest
from streams.store.reading import ReadAnswer, answer_to, rows_for
from streams.wiring.store import read_limits, stored


def ask(settings: Settings, sql: str) -> ReadAnswer:
    """What a person's statement answers: rows, or a document where it has a FORMAT clause.

    Stop: there is no store, the statement may do something other than read, or a limit is reached.
    """
    with stored(settings) as store:
        return answer_to(store, sql, read_limits(settings))


def ask_for_rows(settings: Settings, sql: str) -> QueryResult:
    """As `ask`, always rows."""
    with stored(settings) as store:
        return rows_for(store, sql, read_limits(settings))


def keep_cohorts(settings: Settings, *, everything: bool) -> CohortBuild:
    """Bring the table of cohorts up to date. Stop: there is no store, or a worker has it open."""
    with stored(settings) as store:
        return build_cohorts(store, everything=everything)


def digest_of(settings: Settings, *, is_converged: bool, model: str | None) -> dict[str, str]:
    """SHA-256 by table. With `is_converged`, of what the order of partitions cannot change."""
    with stored(settings) as store:
        return converged_digest(store, model) if is_converged else store_digest(store)
