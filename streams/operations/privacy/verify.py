"""Searches tables, states and topics for the people of a request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.operations.privacy.erased_ids import ErasedIds
from streams.operations.privacy.requests import RequestStatus, status_of
from streams.operations.privacy.search_places import SearchedPlace, search_folder, search_topics
from streams.settings import Settings
from streams.store.base import Store
from streams.store.erasure import Searched, search_rows
from streams.wiring.parts import core_settings
from streams.wiring.pseudonym_secret import former_secret, pseudonym_secret
from streams.wiring.store import stored

_HASHES = """
SELECT DISTINCT anonymous_id, app_id FROM privacy_erased WHERE subject_request_id = {request}
"""


@dataclass(frozen=True, slots=True)
class Verified:
    """Where somebody looked for the people of a request, and what was found."""

    status: RequestStatus
    tables: Sequence[Searched] = ()
    places: Sequence[SearchedPlace] = field(default=())  # states and topics

    @property
    def naming(self) -> int | None:
        """Rows of tables that name the person; None: nobody knows before `run`."""
        return sum(found.naming for found in self.tables) if self.status.is_taken_up else None

    @property
    def is_gone(self) -> bool:
        """Whether no row names the person any more, or nobody was ever found."""
        verdict = self.status.verdict
        return (verdict == "erased" and self.naming == 0) or (
            verdict == "found_nobody" and not self.naming
        )

    @property
    def remaining(self) -> list[SearchedPlace]:
        """Places that name the person until their records end."""
        return [found for found in self.places if found.naming]

    def as_json(self) -> dict[str, Any]:
        return {
            "verdict": self.status.verdict,
            "is_gone": self.is_gone,
            "naming": self.naming,
            "tables": [
                {"table": found.table, "rows": found.rows, "naming": found.naming}
                for found in self.tables
            ],
            "places": [
                {
                    "place": found.place,
                    "looked_at": found.looked_at,
                    "naming": found.naming,
                    "share": round(found.share, 4),
                }
                for found in self.places
            ],
        }


def verify_request(
    settings: Settings,
    request_id: str,
    seconds: float = 300.0,
    advance: Callable[[str], None] = lambda _: None,
) -> Verified:
    """What became of a request, and where its people are still named.

    Nothing is looked at before `run` has taken up the request: until then nobody knows its ids.
    States are searched where this process sees their folder, topics where a broker is set, and for
    at most `seconds`. `advance` is called with the name of each place.
    """
    with stored(settings) as store:
        status = status_of(store, settings, request_id)
        if not status.is_taken_up:
            return Verified(status)
        advance("tables")
        tables = search_rows(store, pseudonym_secret(settings.privacy), request_id)
        ids = _erased_ids(store, settings, request_id)
    advance("state")
    places = list(search_folder(settings.folders.state, ids))
    if settings.kafka.brokers is not None and not settings.kafka.is_in_process:
        places += search_topics(core_settings(settings), ids, seconds, advance)
    return Verified(status, tables, places)


def _erased_ids(store: Store, settings: Settings, request_id: str) -> ErasedIds:
    found = store.query(_HASHES, {"request": request_id}).rows
    secrets = [pseudonym_secret(settings.privacy), former_secret(settings.privacy)]
    return ErasedIds(
        {str(name) for name, _ in found},
        {str(app) for _, app in found},
        [secret for secret in secrets if secret],
    )
