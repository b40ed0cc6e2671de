"""Journeys of erased people without anything that names them.

Once an erasure is carried out, a journey is needed for two purposes: late refunds are booked
without a name, and what was logged before the request and is read again is known as a repeat. For
both it is enough to know the install again when a record names it. So all names are replaced by
keyed hashes, which whoever keeps the journey computes of the names in a record.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from msgspec.structs import replace

from attribution.journey.lives import Life
from attribution.journey.state import Journey
from schemas.records import Installed


@dataclasses.dataclass(frozen=True, slots=True)
class KeyedHashes:
    """Keyed hashes of names: nobody without the key can tell the name of one, or try names."""

    of_id: Callable[[str], str]  # leaves what is such a hash already
    of_hash: Callable[[int], int]  # of 56 bits


def is_closable(journey: Journey) -> bool:
    """Whether nothing that an erased journey holds needs a name any more."""
    if not journey.erased_ts or journey.waiting:
        return False
    if journey.install is not None:
        return journey.is_purged
    # Nothing is known of the install but the request.
    known = journey.candidates, journey.priors, journey.sessions, journey.retargeting
    return not any(known) and not journey.site_verdicts and not journey.activity_ids


def closed_journey(journey: Journey, hashes: KeyedHashes) -> Journey:
    """The journey with keyed hashes in place of names."""
    install = journey.install
    return journey if install is None else replace(journey, install=closed_install(install, hashes))


def closed_install(install: Installed, hashes: KeyedHashes) -> Installed:
    """A first open with keyed hashes in place of names, to be compared with others of its kind."""
    return replace(
        install,
        install_id=hashes.of_id(install.install_id),
        event_id=hashes.of_id(install.event_id),
        conversion_id=hashes.of_id(install.conversion_id),
        devices=[hashes.of_hash(one) for one in install.devices],
        evidence=[hashes.of_hash(one) for one in install.evidence],
    )


def closed_life(life: Life, hashes: KeyedHashes) -> Life:
    """A life with keyed hashes in place of names."""
    return replace(
        life,
        conversion_id=hashes.of_id(life.conversion_id),
        event_id=hashes.of_id(life.event_id),
        devices=[hashes.of_hash(one) for one in life.devices],
        evidence=[hashes.of_hash(one) for one in life.evidence],
    )
