"""Workers on a real broker make no pseudonyms that anybody could trace to a device."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from streams.errors import Stop
from streams.operations.doctor.configuration import examine_pseudonyms
from streams.settings import SettingError, Settings, read_settings
from streams.wiring.parts import stage_rules
from streams.wiring.pseudonym_secret import require_secret, secret_fault
from streams.worker.roles import run_role

GOOD = "0123456789abcdef0123456789abcdef"
FORMER = {"SECRET_FORMER": "short", "FORMER_UNTIL": "2027-06-30"}


def settings(secret: str, broker: str = "127.0.0.1:1", **more: str) -> Settings:
    environ = {"HEADWATER_KAFKA": broker, "HEADWATER_PSEUDONYM_SECRET": secret}
    return read_settings(environ | {f"HEADWATER_PSEUDONYM_{name}": more[name] for name in more})


@pytest.mark.parametrize(
    ("secret", "fault"),
    [("", "is not set"), ("headwater", "is the published key"), (GOOD[:31], "has 31 bytes")],
)
@pytest.mark.parametrize("role", ["core", "learning", "all"])
def test_no_worker_starts_with_a_secret_that_protects_nobody(
    role: str, secret: str, fault: str
) -> None:
    with pytest.raises(Stop) as stop:
        run_role(role, settings(secret))
    (line,) = str(stop.value).splitlines()
    for part in ("HEADWATER_PSEUDONYM_SECRET", fault, "openssl rand -hex 32", "pseudonym_rotation"):
        assert part in line
    check = examine_pseudonyms(settings(secret))
    assert (check.ok, check.advice) == (False, line)


def test_bytes_are_counted_and_not_letters() -> None:
    assert secret_fault(settings("é" * 16).privacy) == ""
    assert secret_fault(settings("é" * 15 + "e").privacy) != ""


@pytest.mark.parametrize("secret", [GOOD, GOOD * 3])
def test_a_secret_of_32_bytes_or_more_is_taken(secret: str) -> None:
    require_secret(settings(secret))
    assert examine_pseudonyms(settings(secret)).ok


def test_trials_on_the_embedded_broker_need_no_secret() -> None:
    require_secret(settings("", broker=""))
    assert "for demos only" in examine_pseudonyms(settings("", broker="")).advice


def test_the_former_secret_may_be_one_that_no_worker_would_start_with() -> None:
    both = settings(GOOD, **FORMER)
    require_secret(both)
    assert "the former until 2027-06-30" in examine_pseudonyms(both).advice
    intake = stage_rules(both).intake
    assert intake.former_secret == b"short"
    end = datetime(2027, 6, 30, tzinfo=UTC).timestamp() * 1000
    assert intake.former is not None
    assert intake.former.until == end
    assert stage_rules(settings(GOOD)).intake.former is None


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"SECRET_FORMER": "short"}, "set both or none"),
        ({"FORMER_UNTIL": "2027-06-30"}, "set both or none"),
        (FORMER | {"SECRET_FORMER": GOOD}, "set a new HEADWATER_PSEUDONYM_SECRET"),
    ],
)
def test_half_a_rotation_is_refused(more: dict[str, str], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        settings(GOOD, **more)
