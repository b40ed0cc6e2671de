"""An install that a request reaches by another key is forgotten under this one, and nobody else."""

from __future__ import annotations

from itertools import permutations

import pytest
from msgspec.structs import replace

from attribution.matching import accounts, touch_index
from attribution.matching.account_state import AccountState
from attribution.matching.erasures import ErasedInstall
from attribution.matching.facts import Evicted, MatchFact
from attribution.matching.touch_index import TouchIndex
from attribution.privacy import erased_installs, key_requests
from schemas.records import (
    Candidates,
    InstallErased,
    InstallSeen,
    LinksCut,
    Signal,
    TouchSeen,
)
from schemas.time import LogMs
from tests.worlds.clock import DAY, logged_at
from tests.worlds.records import (
    RULES,
    account_money,
    click,
    installed,
    looked_up,
    purchase,
    seen,
    signed_in,
)

ASKED = 10.0
GONE = LogMs(logged_at(ASKED) + RULES.late_ms_max + 1)
AFTER = ASKED + 3 * DAY
CLICK_KEY = "c:app:click-1"
Record = TouchSeen | InstallSeen | InstallErased


def met(name: str, minutes: float, signal: Signal = Signal.DEVICE_ID) -> InstallSeen:
    return looked_up(installed(minutes, install_id=name), signal=signal)


def erased(name: str = "me", minutes: float = ASKED, *, is_late: bool = False) -> InstallErased:
    return InstallErased("key", name, logged_at(minutes), is_late)


def known(*records: Record, index: TouchIndex | None = None) -> tuple[TouchIndex, list[MatchFact]]:
    facts: list[MatchFact] = []
    for record in records:
        match record:
            case TouchSeen():
                index, found = touch_index.index_touch(index, record, RULES)
            case InstallSeen():
                index, found = touch_index.index_install(index, record, RULES)
            case InstallErased():
                index, found = erased_installs.erase_install(index, record, RULES)
        facts += found
    assert index is not None
    return index, facts


def names(index: TouchIndex) -> set[str]:
    touches = {one.event_id for one in index.touches}
    return touches | {one.install_id for one in index.installs}


def forgotten(index: TouchIndex, now: LogMs = GONE) -> TouchIndex:
    return key_requests.forget_contents(index, now, RULES)


def test_its_install_and_its_touchpoints_are_kept_while_late_records_count_and_no_longer() -> None:
    index, _ = known(seen(click("ad", -5)), met("me", 0), erased())
    assert key_requests.contents_due(index, RULES) == GONE
    assert names(forgotten(index, LogMs(GONE - 1))) == {"ad", "me"}
    index = forgotten(index)
    assert (names(index), [one.install_id for one in index.erased]) == (set(), [""])
    assert key_requests.contents_due(index, RULES) is None
    assert erased_installs.touch_index_expires_at(index, RULES) < GONE


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_who_comes_back_begins_anew_whatever_is_read_first(order: tuple[int, ...]) -> None:
    """The erasure follows its install under a key; everything else comes in any order."""
    rest: list[Record] = [erased(), met("back", AFTER), seen(click("again", AFTER - 5))]
    _, facts = known(seen(click("ad", -5)), met("me", 0), *(rest[n] for n in order))
    answers = [one for one in facts if isinstance(one, Candidates) and one.install_id == "back"]
    cut = [one.ts for one in facts if isinstance(one, LinksCut) and one.install_id == "back"]
    assert cut == [logged_at(ASKED)]
    touches = {one.event_id: one.ts for answer in answers for one in answer.touches}
    priors = {one.install_id: one.ts for answer in answers for one in answer.priors}
    assert {name for name, ts in touches.items() if ts > cut[0]} == {"again"}
    assert not {name for name, ts in priors.items() if ts > cut[0]}


def test_a_click_is_cut_off_by_its_id_as_its_install_names_it_and_no_device() -> None:
    ad = replace(seen(click("ad", -5)), key=CLICK_KEY)
    mine = replace(met("me", 0, Signal.CLICK_ID), key=CLICK_KEY)
    back = replace(met("back", AFTER, Signal.CLICK_ID), key=CLICK_KEY)
    asked = replace(erased(), key=CLICK_KEY)
    for records in ((ad, mine, back, asked), (ad, mine, asked, back)):
        facts = known(*records)[1]
        assert [one for one in facts if isinstance(one, LinksCut)] == [
            LinksCut("back", logged_at(ASKED), "app", touch_id="click-1")
        ]


def test_others_on_a_tablet_of_a_family_keep_their_install_and_what_it_is_remembered_for() -> None:
    index, facts = known(met("brother", -DAY), met("me", 0), erased())
    assert not [one for one in facts if isinstance(one, LinksCut)]
    index = forgotten(index)
    assert names(index) == {"brother"}
    expires = logged_at(-DAY) + RULES.install_memory_ms + RULES.late_ms_max
    assert erased_installs.touch_index_expires_at(index, RULES) == expires


def test_of_an_id_that_very_many_share_only_the_entry_of_the_install_goes() -> None:
    many = [met(f"i{n}", n * DAY) for n in range(RULES.installs_per_request_max + 1)]
    last = 20 * DAY
    index, facts = known(*many, seen(click("ad", -5)), erased("i3", last), met("later", last + 1))
    assert not [one for one in facts if isinstance(one, LinksCut)]
    gone = LogMs(logged_at(last) + RULES.late_ms_max + 1)
    assert names(forgotten(index, gone)) == (names(index) | {"ad"}) - {"i3"}


def test_a_network_is_of_everybody_in_it() -> None:
    near = met("me", 0, Signal.PROBABILISTIC)
    index, facts = known(seen(click("ad", -5)), near, erased(), met("other", AFTER))
    assert not [one for one in facts if isinstance(one, LinksCut)]
    assert names(forgotten(index)) == {"ad", "other"}


def test_an_erasure_of_an_install_that_the_key_does_not_know_is_nothing() -> None:
    assert erased_installs.erase_install(None, erased(), RULES) == (None, [])
    index, _ = known(met("other", 0))
    assert erased_installs.erase_install(index, erased(), RULES) == (index, [])


def test_the_same_erasure_again_changes_nothing() -> None:
    index, _ = known(seen(click("ad", -5)), met("me", 0), erased())
    assert known(erased(), index=index) == (index, [])


def test_a_copy_of_its_first_open_that_comes_late_takes_nothing_from_who_came_back() -> None:
    index, _ = known(met("back", AFTER), seen(click("again", AFTER - 5)), met("me", AFTER + 5))
    index, facts = known(erased("me", AFTER + 5, is_late=True), index=index)
    assert not [one for one in facts if isinstance(one, LinksCut)]
    gone = LogMs(logged_at(AFTER + 5) + RULES.late_ms_max + 1)
    assert names(forgotten(index, gone)) == {"back", "again"}


def test_beyond_the_bound_the_oldest_are_forgotten_at_once_and_counted() -> None:
    rules = replace(RULES, erasures_per_key_max=1)
    index, _ = known(met("one", 0), met("two", 1), erased("one", 5))
    left, facts = erased_installs.erase_install(index, erased("two", 6), rules)
    assert Evicted("erasures_per_key_max", 1) in facts
    assert left is not None
    assert (names(left), left.erased) == ({"two"}, [ErasedInstall(logged_at(6), "two", True)])


def test_a_sampled_path_is_told_whenever_its_erasure_is_read() -> None:
    """It has no name, and which of the two is read first is chance."""
    index, _ = known(seen(click("ad", -5)), met("me", 0), erased())
    sampled = replace(index, watched_until=0)
    wait = RULES.watch_window_ms
    assert key_requests.contents_due(sampled, RULES) == GONE + wait
    due = touch_index.touch_index_due(sampled, RULES)
    assert due is not None
    assert due < GONE + wait


# --- accounts -------------------------------------------------------------------------------------


def linked(*names_: str) -> AccountState:
    state: AccountState | None = None
    for number, name in enumerate(names_):
        state, _ = accounts.link_account(state, signed_in(name, number), RULES)
    assert state is not None
    return state


def without(state: AccountState, *names_: str) -> AccountState:
    for name in names_:
        found, facts = erased_installs.erase_linked(state, erased(name), RULES)
        assert found is not None
        assert facts == []
        state = found
    return state


def expiry(state: AccountState) -> LogMs | None:
    return erased_installs.account_expires_at(state, RULES)


def test_an_account_of_erased_installs_is_forgotten_and_one_with_another_install_stays() -> None:
    until = logged_at(ASKED) + RULES.late_ms_max
    assert expiry(without(linked("me"), "me")) == until
    assert expiry(without(linked("me", "mine"), "me")) is None
    assert expiry(without(linked("me", "mine"), "me", "mine")) == until
    assert expiry(without(linked("me"), "stranger")) is None


def test_an_account_that_paid_is_kept_for_as_long_as_it_may_be_paid_back() -> None:
    state, _ = accounts.place_money(linked("me"), account_money(purchase()), RULES)
    assert expiry(without(state, "me")) is None
    later = LogMs(logged_at(ASKED) + RULES.parking_ms + RULES.late_ms_max)
    state, _ = accounts.expire_account_money(without(state, "me"), later)
    assert expiry(state) == logged_at(ASKED) + RULES.transaction_retention_ms


def test_who_signs_in_again_has_a_link_of_its_own() -> None:
    state, _ = accounts.link_account(without(linked("me"), "me"), signed_in("me", AFTER), RULES)
    assert [one.ts for one in state.links] == [logged_at(0), logged_at(AFTER)]
    assert expiry(state) is None
