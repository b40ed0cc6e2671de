"""A rule file at the command line is taken as it is, or refused in one line before a start."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from attribution.rules.rules import Rules, rule_set_id
from streams.cli import main
from tests.checkout import ROOT

Run = Callable[..., tuple[int, str, str]]
EXAMPLE = ROOT / "deploy" / "rules.example.toml"

REFUSED = {
    '[windows]\nclick = "-7d"': "windows.click: -7d is out of range; allowed: 1ms to 30d",
    '[windows]\nclick = "0d"': "windows.click: 0d is out of range; allowed: 1ms to 30d",
    '[windows]\nclick = "90d"': "windows.click: 90d is out of range; allowed: 1ms to 30d",
    '[windows]\nclik = "7d"': "windows: unknown key 'clik', did you mean click?",
    '[[scope]]\napp_id = "a"\n[[scope]]\napp_id = "a"': "scope[1]: it overlaps scope[0]",
    '[windows]\nclick = "1h"': "the probabilistic_click window is longer than the click window",
    '[[scope]]\nwindows.click = "1d"': "scope[0]: it selects nothing",
    '[[scope]]\napp_id = "a"\nfrom = 2026-03-01T00:00:00': "scope[0].from: 2026-03-01T00:00:00 is",
    "[probabilistic]\nconfidence = 2.0": "probabilistic.confidence: 2.0 is out of range",
    "click = 7 days": "this is not TOML",
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command with these variables; exit code, stdout, stderr."""
    for variable in ("KAFKA", "CLICKHOUSE", "DATA", "PARTITIONS", "LOG_LEVEL", "RULES"):
        monkeypatch.delenv(f"HEADWATER_{variable}", raising=False)

    def command(*arguments: object, **environ: object) -> tuple[int, str, str]:
        for variable, value in environ.items():
            monkeypatch.setenv(f"HEADWATER_{variable}", str(value))
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return command


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("traffic") / "traffic.jsonl"
    with pytest.raises(SystemExit):
        main(["simulate", "--events", "300", "--out", str(file), "--json"])
    return file


def refused(done: tuple[int, str, str], file: Path) -> str:
    """The one line that is told."""
    code, stdout, stderr = done
    assert code == 1
    assert stdout == ""
    assert "Traceback" not in stderr
    (line,) = stderr.strip().splitlines()
    assert line.startswith(f"headwater: rule file {file}: ")
    return line


@pytest.mark.parametrize(("text", "expected"), REFUSED.items())
def test_a_replay_refuses_a_wrong_file_and_leaves_the_store_alone(
    run: Run, tmp_path: Path, traffic: Path, text: str, expected: str
) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(text)
    line = refused(run("replay", traffic, "--rules", file, "--data", tmp_path / "data"), file)
    assert expected in line
    assert not (tmp_path / "data" / "chdb").exists()


@pytest.mark.parametrize(
    "command",
    [
        ("worker", "--role", "core"),
        ("worker", "--role", "all"),
        ("demo", "--events", "100"),
        ("replay", "TRAFFIC"),
    ],
)
def test_whatever_decides_refuses_the_file_of_the_settings_before_it_starts(
    run: Run, tmp_path: Path, traffic: Path, command: tuple[str, ...]
) -> None:
    file = tmp_path / "rules.toml"
    file.write_text('[windows]\nview = "-1h"')
    arguments = [str(traffic) if one == "TRAFFIC" else one for one in command]
    line = refused(run(*arguments, "--data", tmp_path / "data", RULES=file), file)
    assert "windows.view: -1h is out of range" in line


def test_what_would_change_under_a_wrong_file_is_not_computed(
    run: Run, tmp_path: Path, traffic: Path
) -> None:
    file = tmp_path / "rules.toml"
    file.write_text("[windows")
    assert "this is not TOML" in refused(run("replay", traffic, "--rules", file, "--compare"), file)


def test_a_file_that_cannot_be_read_is_named(run: Run, tmp_path: Path, traffic: Path) -> None:
    missing = tmp_path / "none.toml"
    done = run("replay", traffic, "--data", tmp_path / "data", RULES=missing)
    assert "cannot be read: No such file or directory" in refused(done, missing)
    binary = tmp_path / "rules.toml"
    binary.write_bytes(b"\xff\xfe")
    done = run("replay", traffic, "--data", tmp_path / "data", RULES=binary)
    assert "cannot be read: it is not UTF-8 text" in refused(done, binary)


def test_a_missing_file_on_the_command_line_is_a_wrong_argument(run: Run, traffic: Path) -> None:
    code, _, stderr = run("replay", traffic, "--rules", "none.toml")
    assert code == 2
    assert "does not exist" in stderr
    assert "Traceback" not in stderr


def rules_checked(done: tuple[int, str, str]) -> tuple[bool, str]:
    (check,) = [one for one in json.loads(done[1])["checks"] if one["name"] == "rules"]
    return check["ok"], check["advice"]


def test_doctor_says_which_rules_are_in_force(run: Run, tmp_path: Path) -> None:
    assert rules_checked(run("doctor", "--json", "--data", tmp_path)) == (
        True,
        "HEADWATER_RULES is not set: the default rules",
    )
    is_well, advice = rules_checked(run("doctor", "--json", "--data", tmp_path, RULES=EXAMPLE))
    assert is_well
    assert "rules.example.toml: rule set " in advice


def test_doctor_says_what_is_wrong_with_a_file_and_looks_at_the_rest_too(
    run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "rules.toml"
    file.write_text('[windows]\nclik = "7d"')
    done = run("doctor", "--json", "--data", tmp_path, RULES=file)
    assert done[0] == 1
    assert rules_checked(done) == (
        False,
        f"rule file {file}: windows: unknown key 'clik', did you mean click?",
    )
    assert len(json.loads(done[1])["checks"]) > 4


def test_settings_tell_of_the_file(run: Run) -> None:
    code, stdout, _ = run("settings", "--json")
    assert code == 0
    assert "attribution rules" in json.loads(stdout)["HEADWATER_RULES"]["meaning"]


def test_every_decision_names_the_rules_it_was_made_under(
    run: Run, tmp_path: Path, traffic: Path
) -> None:
    code, _, _ = run("replay", traffic, "--rules", EXAMPLE, "--data", tmp_path, "--json")
    assert code == 0
    query = "SELECT DISTINCT rule_set FROM attributions"
    _, stdout, _ = run("query", query, "--data", tmp_path, "--json")
    assert rule_set_id(Rules()) not in stdout
    _, advice = rules_checked(run("doctor", "--json", "--data", tmp_path, RULES=EXAMPLE))
    assert advice.split("rule set ")[1].split(",")[0] in stdout
