"""The compose file starts what belongs together, in an order that works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checkout import ROOT
from tests.deploy.container_settings import settings_of

COMPOSE = ROOT / "deploy" / "compose.yaml"
OURS = {"migrate", "core-1", "core-2", "learning", "storing"}
WORKERS = OURS - {"migrate"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def test_it_runs_both_servers_two_core_workers_a_learner_and_one_storing_worker(
    services: dict[str, Any],
) -> None:
    assert set(services) == OURS | {"kafka", "clickhouse"}
    roles = sorted(services[name]["command"][-1] for name in WORKERS)
    assert roles == ["core", "core", "learning", "storing"]
    assert services["kafka"]["image"].startswith("apache/kafka:4.")


def test_workers_wait_for_topics_and_tables_which_wait_for_the_servers(
    services: dict[str, Any],
) -> None:
    for name in WORKERS:
        wait = services[name]["depends_on"]
        assert wait == {"migrate": {"condition": "service_completed_successfully"}}
    awaited = services["migrate"]["depends_on"]
    assert set(awaited) == {"kafka", "clickhouse"}
    for server, wait in awaited.items():
        assert wait["condition"] == "service_healthy"
        assert services[server]["healthcheck"]["test"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_headwater_accepts_the_settings(
    services: dict[str, Any], name: str, tmp_path: Path
) -> None:
    settings = settings_of(services[name]["environment"], tmp_path)
    assert settings.kafka.brokers == "kafka:9092"
    assert settings.store.url
    assert settings.privacy.pseudonym_secret


def test_core_workers_and_the_learner_have_names_and_disks(
    services: dict[str, Any],
) -> None:
    members = [services[name] for name in ("core-1", "core-2", "learning")]
    assert len({worker["environment"]["HEADWATER_GROUP_INSTANCE_ID"] for worker in members}) == 3
    assert len({tuple(worker["volumes"]) for worker in members}) == 3


def test_health_is_asked_on_the_port_that_is_set(services: dict[str, Any]) -> None:
    for name in WORKERS:
        port = services[name]["environment"]["HEADWATER_METRICS_PORT"]
        assert f"127.0.0.1:{port}/readyz" in services[name]["healthcheck"]["test"][-1]


def test_servers_listen_on_this_machine_only(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_named_secret_and_volume_is_declared(services: dict[str, Any]) -> None:
    compose = yaml.safe_load(COMPOSE.read_text())
    for service in services.values():
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        named = {volume.partition(":")[0] for volume in service.get("volumes", [])}
        assert named <= set(compose["volumes"])


def test_a_worker_that_ends_because_its_topics_changed_is_started_again(
    services: dict[str, Any],
) -> None:
    assert {services[name]["restart"] for name in WORKERS} == {"unless-stopped"}
