"""Measuring decisions against known truth, and trying other rules, as a person would."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from msgspec import json

from streams.cli import headwater
from streams.errors import Stop
from streams.lab.simulator import Scenario, write_traffic
from streams.replay.what_if import what_if
from streams.settings import read_settings
from streams.wiring.parts import attribution_rules


def answer(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(headwater, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.decode(result.output)
    return found


@pytest.fixture(scope="module")
def match() -> dict[str, Any]:
    return answer("evaluate", "match", "--size", "12000", "--seed", "5")


def test_clean_traffic_is_credited_to_who_really_led_to_the_install(match: dict[str, Any]) -> None:
    assert match["installs"] > 300
    assert match["accuracy"] >= 0.999
    assert match["accuracy_late"] >= 0.999


def test_lateness_changes_no_final_decision(match: dict[str, Any]) -> None:
    assert match["corrections"] > 0, "something came late enough to be corrected"
    assert match["evictions"] == 0
    assert match["decisions_changed_by_lateness"] == 0


def test_matches_without_ids_come_true_as_often_as_they_say(match: dict[str, Any]) -> None:
    assert match["probabilistic_installs"] > 300
    assert match["probabilistic_ece"] < 0.05 + match["probabilistic_ece_by_chance"]
    assert match["probabilistic_precision_default_model"] > 0.85


def test_a_pair_model_learned_from_history_goes_into_the_rule_file(tmp_path: Path) -> None:
    history, rules = tmp_path / "history.jsonl", tmp_path / "rules.toml"
    people = dataclasses.replace(Scenario.standard(20_000, seed=8), tells_traits=True)
    with history.open("wb") as file:
        write_traffic(people, file)
    found = answer("evaluate", "match", "--fit", str(rules), str(history))
    read = attribution_rules(read_settings({}).rules, rules)
    assert read.pair_model.version == found["model"]
    assert found["installs"] > 200


def test_a_history_of_few_installs_gives_no_model(traffic: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "rules.toml")
    done = CliRunner().invoke(headwater, ["evaluate", "match", "--fit", out, str(traffic)])
    assert isinstance(done.exception, Stop)
    assert "a pair model needs 200 or more; add history" in str(done.exception)


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("traffic") / "traffic.jsonl"
    with path.open("wb") as file:
        write_traffic(Scenario.standard(8_000, seed=11), file)
    return path


def silent(step: str, done: int, total: int) -> None:
    return None


def test_the_same_rules_change_nothing(traffic: Path) -> None:
    settings = read_settings({})
    found = what_if([traffic], settings, settings, silent).as_json()
    assert found["events"] == 8_000
    assert found["conversions"]["in_force"] == found["conversions"]["other"]
    assert found["installs_changed"] == 0
    assert found["moves"] == found["reasons"] == []


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rules") / "strict.toml"
    path.write_text('[windows]\nclick = "1h"\nprobabilistic_click = "1h"\n')
    return path


def test_a_shorter_window_moves_installs_and_their_money(traffic: Path, strict: Path) -> None:
    found = answer("replay", str(traffic), "--rules", str(strict), "--compare")
    assert found["installs_changed"] == sum(move["installs"] for move in found["moves"]) > 20
    assert sum(one["installs"] for one in found["reasons"]) == found["installs_changed"]
    main = found["reasons"][0]
    assert (main["effect"], main["rule"]) == ("excludes", "outside_click_window")
    for name in ("in_force", "other"):
        credited = sum(one[name]["installs"] for one in found["channels"])
        assert credited == sum(found["conversions"][name].values())
    for currency, moved in found["money_moved_micros"].items():
        assert moved == sum(abs(move["micros"].get(currency, 0)) for move in found["moves"])


CAMPAIGNS = """
SELECT media_source, campaign_id, currency, toString(sum(installs)),
    toString(toInt64(sum(revenue) * 1000000))
FROM v_campaign_daily GROUP BY 1, 2, 3
"""


def test_a_comparison_says_what_two_stored_replays_say(
    traffic: Path, strict: Path, tmp_path: Path
) -> None:
    found = answer("replay", str(traffic), "--rules", str(strict), "--compare")
    for name, extra in (("in_force", []), ("other", ["--rules", str(strict)])):
        folder = str(tmp_path / name)
        assert answer("replay", str(traffic), "--data", folder, *extra)["reconciled"]
        installs: Counter[tuple[str, str]] = Counter()
        micros: Counter[tuple[str, str, str]] = Counter()
        for source, campaign, currency, count, amount in answer(
            "query", CAMPAIGNS, "--data", folder
        )["rows"]:
            installs[source, campaign] += int(count)
            micros[source, campaign, currency] += int(amount)
        by_channel = {
            (one["media_source"], one["campaign_id"]): one[name] for one in found["channels"]
        }
        assert {place: one["installs"] for place, one in by_channel.items()} == {
            place: installs[place] for place in by_channel
        }
        assert installs.total() == sum(one["installs"] for one in by_channel.values())
        assert +micros == +Counter(
            {
                (*place, currency): amount
                for place, one in by_channel.items()
                for currency, amount in one["micros"].items()
            }
        )


def test_a_comparison_is_told_in_words(traffic: Path, strict: Path) -> None:
    done = CliRunner().invoke(
        headwater, ["replay", str(traffic), "--rules", str(strict), "--compare"]
    )
    assert done.exit_code == 0
    assert "conversions and 0 re-engagements would go to another channel" in done.output
    assert "because the rule now excludes: outside_click_window" in done.output


def test_a_comparison_needs_rules_to_compare_with(traffic: Path) -> None:
    done = CliRunner().invoke(headwater, ["replay", str(traffic), "--compare"])
    assert done.exit_code == 2
    assert "--compare needs --rules FILE" in done.output


def test_a_line_that_cannot_be_read_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text("not json\n")
    settings = read_settings({})
    with pytest.raises(Stop, match=r"broken\.jsonl:1"):
        what_if([path], settings, settings, silent)
