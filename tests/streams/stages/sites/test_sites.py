"""Sites are judged hourly by the watermarks of journeys, and every install is told once."""

from __future__ import annotations

from typing import Any

import pytest

from attribution.decision.fraud import FraudRules
from attribution.rules.rules import Policy, Rules
from schemas.records import SiteFrame, SiteInstall, SiteRecord, SiteVerdict, frame_encoder, site_key
from schemas.time import DAY_MS, HOUR_MS, LogMs
from streams.replay.memory_log import MemoryRecord
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.common.watermarks import stage_upstreams
from streams.stages.common.working_set import stored_expiry
from streams.stages.contract import Effects
from streams.stages.sites import site_steps
from streams.stages.sites.day_steps import APP, HOUR, SITE, site_state_key
from streams.stages.sites.sites import Sites
from tests.worlds.site_world import KEY, MIDNIGHT, claim, shown
from tests.worlds.stage_world import Fed, journeyed, records_in, rows

RULES = Rules()
ALWAYS = 10**15


class Noticed(StageObserver):
    def __init__(self) -> None:
        self.evicted: list[str] = []

    def on_evicted(self, bound: str, count: int) -> None:
        self.evicted.append(bound)


class Site(Fed):
    """The stage, fed with records and hours of log time."""

    def __init__(self, state: MemoryStore | None = None, rules: Rules = RULES) -> None:
        self.noticed = Noticed()
        store = state or MemoryStore(stored_expiry)
        super().__init__(Sites(0, 1, rules, self.noticed), store)

    def hear(self, *records: SiteRecord, hour: float | None = None) -> Effects:
        output = {} if hour is None else dict.fromkeys(stage_upstreams("journeys", 1), at(hour))
        self.offset += 1
        frame = frame_encoder.encode(SiteFrame(output, list(records)))
        return self.decide([MemoryRecord("sites", 0, self.offset, 0, None, frame)])


def at(hour: float) -> LogMs:
    return LogMs(MIDNIGHT + round(hour * HOUR_MS))


def reported(effects: Effects) -> list[tuple[str, str, bool]]:
    """Install, reason, and whether the site speaks against it."""
    verdicts = records_in(journeyed(effects))
    assert all(isinstance(one, SiteVerdict) for one in verdicts)
    return sorted((one.install_id, one.reason, one.value >= 0.95) for one in verdicts)


def injected(count: int, hour: float = 0) -> list[SiteInstall]:
    return [claim(f"quick{n}", hour, ctit_ms=5_000, after_begin_ms=9_000) for n in range(count)]


def flooded(count: int, hour: float = 0) -> list[SiteInstall]:
    return [claim(f"slow{n}", hour, ctit_ms=(n + 1) * 6 * DAY_MS // count) for n in range(count)]


def test_nobody_is_judged_before_the_hour_has_passed_for_all_journeys() -> None:
    site = Site()
    site.hear(hour=0.5)
    assert reported(site.hear(*injected(9), hour=0.99)) == []
    effects = site.hear(hour=1)
    assert reported(effects) == [(f"quick{n}", "distribution_outlier", True) for n in range(9)]


def test_a_verdict_is_a_row_too_with_an_id_that_is_the_same_whenever_it_is_said() -> None:
    site = Site()
    site.hear(*injected(9), hour=0)
    row, *others = rows(site.hear(hour=1), "fraud-verdicts")
    assert len(others) == 8
    assert row["verdict_id"] == f"quick0:e of quick0:distribution_outlier:{at(1) // HOUR_MS}"
    assert (row["stage"], row["mode"], row["sub_reason"]) == ("site", "tag", "")
    assert (row["app_id"], row["media_source"], row["site_id"]) == ("app", "north", "s1")
    assert (row["touch_id"], row["campaign_id"]) == ("touch of quick0", "c1")
    assert row["decided_at"] == at(1)
    assert 0.95 <= row["value"] <= 1


def test_everybody_is_told_once_and_newcomers_when_they_come() -> None:
    site = Site()
    site.hear(*injected(9), hour=0)
    site.hear(hour=1)
    newcomer = claim("quick too", 1.5, ctit_ms=5_000, after_begin_ms=9_000)
    effects = site.hear(newcomer, claim("honest", 1.5), hour=2)
    assert reported(effects) == [("quick too", "distribution_outlier", True)]
    assert reported(site.hear(hour=3)) == []


def test_a_flooding_site_is_judged_from_fifty_installs_on() -> None:
    site = Site()
    site.hear(*flooded(49), hour=0)
    assert reported(site.hear(hour=1)) == []
    effects = site.hear(claim("fiftieth", 1.1, ctit_ms=2 * DAY_MS), hour=2)
    assert ("fiftieth", "click_flood", True) in reported(effects)
    assert {reason for _, reason, _ in reported(effects)} == {"click_flood"}


def test_installs_that_honesty_explains_are_left_alone_on_a_flooding_site() -> None:
    site = Site()
    site.hear(*flooded(80), claim("at once", ctit_ms=90_000), hour=0)
    names = {name for name, _, _ in reported(site.hear(hour=1))}
    assert "slow50" in names
    assert "at once" not in names


def test_clicks_per_install_count() -> None:
    def floods(clicks: int) -> bool:
        site = Site()
        honest = [claim(f"h{n}", ctit_ms=(40 + 20 * n) * 1_000) for n in range(45)]
        site.hear(shown(0, clicks), *honest, *flooded(22), hour=0)
        return bool(reported(site.hear(hour=1)))

    assert floods(2_000_000)
    assert not floods(100)


def test_a_share_of_new_devices_far_above_the_app_is_told_of_new_devices_only() -> None:
    site = Site()
    other = site_key("app", "north", "honest")
    honest = [claim(f"h{n}", is_new_device=n % 3 == 0, key=other) for n in range(600)]
    site.hear(*honest, hour=0)
    site.hear(hour=1)
    farm = [claim(f"f{n:02}", 1.5, is_new_device=n > 0) for n in range(60)]
    found = reported(site.hear(*farm, hour=2))
    assert found == [(f"f{n:02}", "behavioral_anomalies", True) for n in range(1, 60)]


def test_what_the_site_no_longer_claims_is_not_judged() -> None:
    site = Site()
    taken_back = [claim(f"quick{n}", ctit_ms=5_000, after_begin_ms=9_000, sign=-1)
                  for n in range(9)]  # fmt: skip
    site.hear(*injected(9), *taken_back, hour=0)
    assert reported(site.hear(hour=1)) == []


def test_refused_claims_teach_but_are_told_nothing() -> None:
    site = Site()
    refused = [
        claim(f"refused{n}", ctit_ms=20_000, after_begin_ms=9_000, is_rejected=True)
        for n in range(20)
    ]
    site.hear(*refused, claim("unknown", ctit_ms=5_000), hour=0)
    assert reported(site.hear(hour=1)) == [("unknown", "distribution_outlier", True)]


def test_a_suspicion_that_no_longer_holds_is_taken_back() -> None:
    site = Site()
    site.hear(*[claim(f"quick{n}", ctit_ms=8_000) for n in range(6)], hour=0)
    first = site.hear(hour=1)
    assert {is_against for _, _, is_against in reported(first)} == {True}
    honest = [claim(f"h{n}", 1.5, ctit_ms=(20 + n % 90 * 20) * 1_000) for n in range(1_500)]
    taken_back = site.hear(*honest, hour=2)
    assert reported(taken_back) == [(f"quick{n}", "distribution_outlier", False) for n in range(6)]
    assert {row["sub_reason"] for row in rows(taken_back, "fraud-verdicts")} == {"withdrawn"}


@pytest.mark.parametrize("mode", ["off", "tag", "reject"])
def test_the_rules_say_what_a_verdict_is_worth(mode: Any) -> None:
    site = Site(rules=Rules(default=Policy(fraud=FraudRules(distribution_outlier=mode))))
    site.hear(*injected(9), hour=0)
    found = {row["mode"] for row in rows(site.hear(hour=1), "fraud-verdicts")}
    assert found == ({mode} if mode != "off" else set())


def test_after_a_restart_it_goes_on_as_if_nothing_had_happened() -> None:
    through, before = Site(), Site()
    for site in (through, before):
        site.hear(shown(0, 5), *injected(9), *flooded(60), hour=0)
    after = Site(before.state)
    for hour in (1, 2, 30):
        effects = after.hear(claim(f"late{hour}", hour - 0.5), hour=hour)
        assert reported(effects) == reported(
            through.hear(claim(f"late{hour}", hour - 0.5), hour=hour)
        )
    assert dict(after.state.entries()) == dict(through.state.entries())


def test_installs_are_forgotten_after_the_window_and_silent_sites_a_month_later() -> None:
    site = Site()
    site.hear(shown(0), *injected(3), hour=0)
    site.hear(hour=1)
    kinds = {key[:1] for key, _ in site.state.entries()}
    assert {SITE, HOUR, APP} < kinds
    site.hear(hour=24 * 17 + 1)
    assert HOUR not in {key[:1] for key, _ in site.state.entries()}
    site.hear(hour=24 * 31 + 1)
    assert SITE not in {key[:1] for key, _ in site.state.entries()}
    assert reported(site.hear(claim("again", 24 * 31), hour=24 * 31 + 2)) == []


def test_there_is_room_for_so_many_sites_and_the_others_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(site_steps, "SITES_PER_PARTITION_MAX", 2)
    site = Site()
    keys = [site_key("app", "north", str(number)) for number in range(3)]
    site.hear(*(shown(0, key=key) for key in keys), shown(0, key=keys[0]))
    assert site.noticed.evicted == ["sites_per_partition_max"]
    kept = [key for key, _ in site.state.entries() if key.startswith(SITE)]
    assert len(kept) == 2
    again = Site(site.state)
    again.hear(claim("i", key=keys[2]))
    assert again.noticed.evicted == ["sites_per_partition_max"]
    assert not any(keys[2].encode() in key for key, _ in site.state.entries())


def test_another_app_has_norms_of_its_own() -> None:
    site = Site()
    site.hear(claim("i"), claim("j", key=site_key("other", "north", "s1")), hour=0)
    site.hear(hour=1)
    norms = [key for key, _ in site.state.entries() if key.startswith(APP)]
    assert sorted(norms) == [APP + b"app", APP + b"other"]
    assert site_state_key(KEY).startswith(SITE)
