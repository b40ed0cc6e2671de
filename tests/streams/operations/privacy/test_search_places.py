"""A person is recognised in whatever bytes stages send and keep, and nobody else is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from schemas.time import HOUR_MS, EventMs
from streams.operations.privacy.erased_ids import ErasedIds
from streams.operations.privacy.search_places import SearchedPlace, search_folder
from streams.runtime.state import MemoryStore, RocksStore
from streams.stages.common.observer import StageObserver
from streams.stages.common.pseudonyms import AnonymousIds, Pseudonyms
from streams.stages.intake.intake import Intake, IntakeRules
from tests.streams.stages.matching.test_matching import matching
from tests.worlds.clock import NOON
from tests.worlds.stage_world import event, matched, records_in, source

SECRET = b"a secret of the installation, 32 bytes"
INTAKE = IntakeRules(SECRET, EventMs(0), 1.0, 9)
NAMES = {
    "jane": {"gaid": "38400000-8cf0-11bd-b23e-10b96e40000d", "install_id": "install-of-jane",
             "customer_user_id": "jane@example.org"},
    "joe": {"gaid": "5f0c1a52-7d0e-4f6b-9a53-2d1c7f1b8e10", "install_id": "install-of-joe",
            "customer_user_id": "joe@example.org"},
}  # fmt: skip


def erased(who: str, secret: bytes = SECRET) -> ErasedIds:
    """What `headwater privacy run` has listed of a person: hashes of ids and of match keys."""
    names, pseudonyms = NAMES[who], Pseudonyms(SECRET)
    keys = [
        f"d:app:{pseudonyms.of(names['gaid'])}",
        f"u:app:{pseudonyms.of(names['customer_user_id'])}",
    ]
    known = AnonymousIds(SECRET)
    return ErasedIds({known.of(one) for one in (names["install_id"], *keys)}, {"app"}, [secret])


def events(who: str) -> Iterator[tuple[str, dict[str, Any]]]:
    names = NAMES[who]
    click = {"touch_type": "click", "touch_id": f"click-of-{who}", "media_source": "north"}
    yield "touchpoints", event("touchpoint", event_id=f"t-{who}", gaid=names["gaid"], **click)
    yield "installs", event("install", event_id=f"i-{who}", **names)
    yield "activity", event("session", event_id=f"s-{who}", session_id="s", **names)


def octets_of(who: str) -> Iterator[tuple[str, bytes]]:
    """Every message about a person, from the source on, by topic."""
    for topic, fields in events(who):
        yield topic, orjson.dumps(fields)
        stage = Intake(0, 1, INTAKE, StageObserver())
        effects = stage.decide([source(topic, fields)], MemoryStore())
        for (name, _), messages in effects.messages.items():
            for message in messages:
                yield name, (message.key or b"") + b"\n" + (message.value or b"")


def naively_names(who: str, octets: bytes) -> bool:
    """Whether bytes hold an id of a person that the list knows, as sent or as a pseudonym."""
    pseudonyms, names = Pseudonyms(SECRET), NAMES[who]
    keyed = [pseudonyms.of(names["gaid"]), pseudonyms.of(names["customer_user_id"])]
    return any(name.encode() in octets for name in (*names.values(), *keyed))


def test_what_a_naive_search_finds_is_found_by_hashes_and_nothing_else() -> None:
    found = set()
    for who in NAMES:
        for topic, octets in octets_of(who):
            for asked in NAMES:
                assert erased(asked).are_in(octets) == naively_names(asked, octets), topic
                found |= {topic} if asked == who and naively_names(asked, octets) else set()
    assert {"touchpoints", "installs", "activity", "match", "journeys", "touches"} <= found


def test_with_another_secret_nobody_is_recognised() -> None:
    octets = b"".join(part for _, part in octets_of("jane"))
    assert erased("jane").are_in(octets)
    assert not erased("jane", b"another secret, of 32 bytes as well").are_in(octets)


def test_states_on_disk_are_searched_while_a_worker_has_them_open(tmp_path: Path) -> None:
    stage = matching()
    for who in NAMES:
        for topic, fields in events(who):
            intake = Intake(0, 1, INTAKE, StageObserver())
            effects = intake.decide([source(topic, fields)], MemoryStore())
            stage.match(*records_in(matched(effects)))
    worker = RocksStore(tmp_path / "matching" / "0")
    worker.apply(dict(stage.state.entries()), 1)
    worker.close()  # Flushed, as after a checkpoint of RocksDB's own.
    worker = RocksStore(tmp_path / "matching" / "0")
    jane, entries = erased("jane"), list(stage.state.entries())
    naming = sum(naively_names("jane", key + value) for key, value in entries)
    (place,) = search_folder(tmp_path, jane)
    assert naming >= 2
    assert (place.place, place.naming, place.share) == ("state matching/0", naming, 1.0)
    assert place.looked_at >= len(entries)
    worker.close()
    assert list(search_folder(tmp_path / "nowhere", jane)) == []


def test_an_installation_without_the_person_names_nobody(tmp_path: Path) -> None:
    worker = RocksStore(tmp_path / "journeys" / "0")
    worker.apply({b"\x02app:install-of-joe": b"joe@example.org"}, NOON + HOUR_MS)
    worker.close()
    (place,) = search_folder(tmp_path, erased("jane"))
    assert place == SearchedPlace("state journeys/0", place.looked_at, 0, 1.0)
