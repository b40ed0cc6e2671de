"""Every declared setting has an effect: another value makes the wiring build something else."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from streams.board import board_access
from streams.errors import Stop
from streams.kafka.topics import wanted_topics
from streams.settings import Settings, read_settings
from streams.settings.declaration import Declaration, declarations
from streams.wiring.parts import core_settings, stage_rules, storing_settings
from streams.wiring.rules_in_force import RuleSetChange
from streams.wiring.store import read_limits, served_by
from streams.worker import core_worker, log_lines, roles

DECLARED = {declaration.variable: declaration for declaration in declarations(Settings)}
SERVERS = {
    "HEADWATER_KAFKA": "broker:9092",
    "HEADWATER_CLICKHOUSE": "clickhouse://me@host/db",
    "HEADWATER_PSEUDONYM_SECRET": "a secret of the pseudonyms, of more than 32 bytes",
}
FORMER = {
    "HEADWATER_PSEUDONYM_SECRET_FORMER": "the secret before",
    "HEADWATER_PSEUDONYM_FORMER_UNTIL": "2027-01-01",
}
SIGNS_IN = {
    "HEADWATER_KAFKA_SECURITY": "SASL_PLAINTEXT",
    "HEADWATER_KAFKA_USERNAME": "me",
    "HEADWATER_KAFKA_PASSWORD": "hunter2",
}
NEEDS: Mapping[str, dict[str, str]] = {
    "HEADWATER_SOURCE_STAMPS_AHEAD": {"HEADWATER_SOURCE_TIMESTAMPS": "create"},
    "HEADWATER_DATA": {"HEADWATER_CLICKHOUSE": ""},
    "HEADWATER_STORE_PORT": {"HEADWATER_CLICKHOUSE": ""},
    "HEADWATER_KAFKA_SECURITY": SIGNS_IN,
    "HEADWATER_KAFKA_SASL_MECHANISM": SIGNS_IN,
    "HEADWATER_KAFKA_USERNAME": SIGNS_IN,
    "HEADWATER_KAFKA_PASSWORD": SIGNS_IN,
    "HEADWATER_PSEUDONYM_SECRET_FORMER": FORMER,
    "HEADWATER_PSEUDONYM_FORMER_UNTIL": FORMER,
    "HEADWATER_KAFKA_CA_CERTIFICATE": {"HEADWATER_KAFKA_SECURITY": "SSL"},
    "HEADWATER_KAFKA_CLIENT_CERTIFICATE": {
        "HEADWATER_KAFKA_SECURITY": "SSL",
        "HEADWATER_KAFKA_CLIENT_CERTIFICATE": "one.pem",
        "HEADWATER_KAFKA_CLIENT_KEY": "one.key",
    },
}
"""Other settings without which a setting means nothing."""

WITH_CLIENT_CERTIFICATE = ("HEADWATER_KAFKA_CLIENT_KEY", "HEADWATER_KAFKA_CLIENT_KEY_PASSWORD")


@dataclass
class Shell:
    """What `run_role` starts, in place of probes, logs and lanes."""

    started: dict[str, Any] = field(default_factory=dict)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        async def no_topic_is_wrong(kafka: object) -> list[str]:
            return []

        async def run(worker: core_worker.CoreWorker, stop: object) -> int:
            self.started["app"] = str(worker.app.conf.broker_max_poll_records)
            return 0

        def rules_in_force(settings: Settings) -> RuleSetChange:
            self.note("rules_change", settings.rules.rules_change)
            return RuleSetChange("", "first", [])

        patch.setattr(roles, "check_topics", no_topic_is_wrong)
        patch.setattr(roles, "require_rules", rules_in_force)
        patch.setattr(roles, "keep_folder", lambda folder: None)
        patch.setattr(roles, "end_with", lambda pid: self.note("supervisor", pid))
        patch.setattr(roles, "end_after", lambda pid, _: self.note("end_after", pid))
        patch.setattr(log_lines, "_NOISY", ())
        patch.setattr(logging, "basicConfig", lambda **at: self.note("level", at["level"]))
        patch.setattr(roles, "HealthServer", lambda _, *address: self.serve(address))
        patch.setattr(core_worker, "run_core", run)

    def note(self, name: str, value: Any) -> None:
        self.started[name] = value

    def serve(self, address: tuple[str, int]) -> Shell:
        self.started["address"] = address
        return self

    def close(self) -> None:
        pass


class Context(ssl.SSLContext):
    """Remembers what it was given instead of reading the files."""

    given: tuple[object, ...] = ()

    def load_cert_chain(self, *given: Any) -> None:
        self.given = given


def built(environ: Mapping[str, str], patch: pytest.MonkeyPatch) -> str:
    """Everything the wiring makes of an environment, or the line it stops with."""
    try:
        settings = read_settings({**SERVERS, **environ})
        core, storing = core_settings(settings), storing_settings(settings)
        rules = stage_rules(settings)
    except Stop as stop:
        return str(stop)
    context = core.security.get("ssl_context")
    tls = getattr(context, "given", None)
    core = replace(core, security={**core.security, "ssl_context": tls})
    storing = replace(storing, security={})
    shell = Shell()
    shell.install(patch)
    assert roles.run_role("core", settings) == 0
    store = storing.store
    secrets = (store.url, store.password)
    read = (read_limits(settings), settings.store.retention, served_by(settings))
    board = (board_access(settings), settings.board.port)
    topics = wanted_topics(settings.kafka)
    return repr((core, storing, secrets, read, rules, topics, board, shell.started))


@pytest.mark.parametrize("variable", DECLARED)
def test_another_value_builds_something_else(
    variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    context = Context(ssl.PROTOCOL_TLS_CLIENT)
    if variable.startswith("HEADWATER_KAFKA_CLIENT"):
        monkeypatch.setattr(ssl, "create_default_context", lambda **_: context)
    first, second = _values(DECLARED[variable])
    needs = NEEDS.get(variable, {})
    if variable in WITH_CLIENT_CERTIFICATE:
        needs = NEEDS["HEADWATER_KAFKA_CLIENT_CERTIFICATE"]
    before = built({**needs, variable: first}, monkeypatch)
    after = built({**needs, variable: second}, monkeypatch)
    assert before != after, f"{variable} is declared, and nothing is built from it"


def _values(declaration: Declaration) -> tuple[str, str]:
    """Two values of a setting: its default, or something like its example; and its example."""
    (example,) = declaration.meta.examples or []
    variable = declaration.variable
    if example.startswith(f"{variable}_FILE="):
        return "one secret of 32 bytes, or of more", "another secret of 32 bytes, or of more"
    if variable in NEEDS.get(variable, {}):
        return NEEDS[variable][variable], example
    if variable in ("HEADWATER_KAFKA", "HEADWATER_CLICKHOUSE"):
        return SERVERS[variable], example
    if variable == "HEADWATER_KAFKA_CLIENT_KEY":
        return "one.key", example
    return declaration.default_text, example
