"""Rules change on purpose only: a worker without the file that is in force does not start."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from deploy.local.servers import KafkaServer
from schemas.time import DAY_MS
from streams.errors import Stop
from streams.kafka.registers.rule_log import RuleRecord, record_rules
from streams.kafka.topics import create_topics
from streams.operations.doctor.rules_in_force import examine_rules_in_force
from streams.settings import Settings, read_settings
from streams.wiring.parts import core_settings
from streams.wiring.rules_in_force import apply_rule_file, require_rules
from tests.chaos.installation import Installation


@pytest.fixture
def installation(kafka: KafkaServer, tmp_path: Path) -> Installation:
    made = Installation(f"rules-{uuid.uuid4().hex[:8]}", kafka.address, tmp_path)
    asyncio.run(create_topics(made.settings.kafka))
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text('[windows]\nclick = "5d"\n')
    return path


def under(installation: Installation, file: Path | None, **variables: str) -> Settings:
    named = {"HEADWATER_RULES": str(file)} if file else {}
    return read_settings({**installation.environ(), **named, **variables})


def test_the_first_rules_are_recorded_and_others_are_refused_until_they_are_applied(
    installation: Installation, file: Path, tmp_path: Path
) -> None:
    assert "none are in force yet" in examine_rules_in_force(under(installation, file)).advice
    first = require_rules(under(installation, file))
    assert (first.before, first.changes, first.has_normal_ids) == ("", [], True)
    assert examine_rules_in_force(under(installation, file)).ok
    foreign = examine_rules_in_force(under(installation, None))
    assert not foreign.ok
    assert "windows.click: 5d becomes 7d" in foreign.advice
    file.write_text('# The same.\n[windows]\nclick = "120h"\n')
    assert require_rules(under(installation, file)).changes == []

    with pytest.raises(Stop, match="names no file") as refused:
        require_rules(under(installation, None))
    assert "windows.click: 5d becomes 7d" in str(refused.value)
    assert "headwater rules apply" in str(refused.value)

    other = tmp_path / "other.toml"
    other.write_text('[windows]\nclick = "1d"\n')
    dry = apply_rule_file(under(installation, file), other, is_dry=True)
    assert dry.changes == ["default.windows.click: 5d becomes 1d"]
    with pytest.raises(Stop, match=r"other\.toml is"):
        require_rules(under(installation, other))
    assert apply_rule_file(under(installation, file), other, is_dry=False) == dry
    assert require_rules(under(installation, other)).before == first.after
    with pytest.raises(Stop):
        require_rules(under(installation, file))


def test_a_setting_accepts_what_the_worker_was_given(
    installation: Installation, file: Path
) -> None:
    require_rules(under(installation, file))
    accepting = under(installation, None, HEADWATER_RULES_CHANGE="accept")
    assert require_rules(accepting).changes == ["default.windows.click: 5d becomes 7d"]
    assert require_rules(under(installation, None)).changes == []


def test_an_installation_of_an_earlier_build_takes_the_normal_form_of_ids_on_purpose_only(
    installation: Installation,
) -> None:
    unset = under(installation, None)
    normal = under(installation, None, HEADWATER_NORMAL_IDS="yes")
    record = RuleRecord(rule_set="of an earlier build", settings={"parking_ms": 7 * DAY_MS})
    asyncio.run(record_rules(core_settings(unset), record, is_order=False))
    assert require_rules(unset)[2:] == ([], False)
    with pytest.raises(Stop, match="normal_ids: False becomes True"):
        require_rules(normal)
    assert apply_rule_file(normal, None, is_dry=False).has_normal_ids
    assert require_rules(unset)[2:] == ([], True)
    with pytest.raises(Stop, match="normal_ids: True becomes False"):
        require_rules(under(installation, None, HEADWATER_NORMAL_IDS="no"))


def test_the_worker_says_it_in_one_line_and_the_command_mends_it(
    installation: Installation, file: Path
) -> None:
    require_rules(under(installation, file))
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "worker", "--role", "core"],
        env=installation.environ("core"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "HEADWATER_RULES names no file" in line
    answer = installation.run("rules", "apply", "--defaults")
    assert answer["applied"]
    assert answer["changes"] == ["default.windows.click: 5d becomes 7d"]
    assert json.dumps(answer["before"]) in json.dumps(answer)
    assert require_rules(installation.settings).changes == []
