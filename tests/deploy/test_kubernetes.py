"""The Kubernetes manifests fit together: labels, ports, settings, disks and time limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.time import parse_duration
from tests.deploy.container_settings import settings_of
from tests.deploy.manifests import (
    BASE,
    EXAMPLE,
    Manifest,
    as_rendered,
    as_written,
    environment,
    kustomization,
    matches,
    of_kind,
    renderer,
    workloads,
)

IMAGE_USER = 10001
JOBS = {"Job", "CronJob"}
DAY_SECONDS = 86_400


@pytest.fixture(params=["base as written", "base", "example"])
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    if request.param == "base as written":
        return as_written()
    if renderer() is None:
        pytest.skip("neither kubectl nor kustomize is here to render")
    return as_rendered(BASE if request.param == "base" else EXAMPLE)


def test_every_file_of_the_base_is_a_resource_of_it() -> None:
    named = {*kustomization(BASE)["resources"], "kustomization.yaml"}
    assert named == {path.name for path in BASE.iterdir()}


def test_an_overlay_names_only_files_that_exist() -> None:
    example = kustomization(EXAMPLE)
    named = [*example["resources"], *(patch["path"] for patch in example["patches"])]
    assert all((EXAMPLE / name).exists() for name in named)


def test_core_keeps_its_name_and_disk_and_storing_needs_neither(manifests: list[Manifest]) -> None:
    kinds = {workload.name: workload.kind for workload in workloads(manifests)}
    assert kinds == {
        "headwater-core": "StatefulSet",
        "headwater-learning": "Deployment",
        "headwater-storing": "Deployment",
        "headwater-migrate": "Job",
        "headwater-privacy": "CronJob",
    }
    (core,) = (found for found in workloads(manifests) if found.kind == "StatefulSet")
    assert core.spec["podManagementPolicy"] == "Parallel"
    (claim,) = core.spec["volumeClaimTemplates"]
    (mount,) = (m for m in core.container["volumeMounts"] if m["name"] == claim["metadata"]["name"])
    state = Path(environment(core, manifests)["HEADWATER_STATE_DIR"])
    assert state.is_relative_to(mount["mountPath"])


def test_core_belongs_to_a_service_without_an_address(manifests: list[Manifest]) -> None:
    (service,) = of_kind(manifests, "Service")
    (core,) = (found for found in workloads(manifests) if found.kind == "StatefulSet")
    assert service["spec"]["clusterIP"] == "None"
    assert core.spec["serviceName"] == service["metadata"]["name"]
    assert service["spec"]["selector"].items() <= core.labels.items()


def test_selectors_choose_the_pods_they_are_meant_for(manifests: list[Manifest]) -> None:
    pods = {found.name: found.labels for found in workloads(manifests)}

    def chosen(selector: Manifest) -> set[str]:
        return {name for name, labels in pods.items() if matches(selector, labels)}

    for workload in workloads(manifests):
        if workload.kind not in JOBS:  # a Job makes its own selector
            assert chosen(workload.spec["selector"]) == {workload.name}
    for budget in of_kind(manifests, "PodDisruptionBudget"):
        assert chosen(budget["spec"]["selector"]) == {budget["metadata"]["name"]}
    (policy,) = of_kind(manifests, "NetworkPolicy")
    (monitor,) = of_kind(manifests, "PodMonitor")
    closed, scraped = policy["spec"]["podSelector"], monitor["spec"]["selector"]
    assert chosen(closed) == set(pods)
    assert chosen(scraped) == {"headwater-core", "headwater-learning", "headwater-storing"}
    stranger = {"app.kubernetes.io/name": "shop", "app.kubernetes.io/component": "core"}
    assert not matches(closed, stranger)
    assert not matches(scraped, stranger)


def test_probes_and_scrapes_ask_the_port_that_the_worker_listens_on(
    manifests: list[Manifest],
) -> None:
    (monitor,) = of_kind(manifests, "PodMonitor")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    for workload in workloads(manifests):
        if workload.kind in JOBS:
            continue
        (port,) = workload.container["ports"]
        assert (
            str(port["containerPort"]) == environment(workload, manifests)["HEADWATER_METRICS_PORT"]
        )
        probes = {
            name: workload.container[f"{name}Probe"]["httpGet"]
            for name in ("startup", "liveness", "readiness")
        }
        assert {probe["port"] for probe in probes.values()} == {port["name"]} == {endpoint["port"]}
        assert probes["startup"]["path"] == probes["liveness"]["path"] == "/livez"
        assert probes["readiness"]["path"] == "/readyz"


def test_every_pod_starts_with_settings_that_headwater_accepts(
    manifests: list[Manifest], tmp_path: Path
) -> None:
    for workload in workloads(manifests):
        settings = settings_of(environment(workload, manifests), tmp_path)
        assert settings.kafka.brokers
        assert settings.store.url
        assert workload.pod["enableServiceLinks"] is False


def test_a_core_worker_is_known_to_kafka_by_the_name_of_its_pod(manifests: list[Manifest]) -> None:
    (core,) = (found for found in workloads(manifests) if found.kind == "StatefulSet")
    (variable,) = (
        found for found in core.container["env"] if found["name"] == "HEADWATER_GROUP_INSTANCE_ID"
    )
    assert variable["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"


def test_one_learner_is_a_member_by_a_name_that_two_pods_never_have_at_a_time(
    manifests: list[Manifest],
) -> None:
    (learner,) = (found for found in workloads(manifests) if found.name == "headwater-learning")
    assert environment(learner, manifests)["HEADWATER_GROUP_INSTANCE_ID"] == learner.name
    assert learner.spec["replicas"] == 1
    assert learner.spec["strategy"] == {"type": "Recreate"}


def test_no_more_core_workers_than_partitions(manifests: list[Manifest]) -> None:
    (core,) = (found for found in workloads(manifests) if found.kind == "StatefulSet")
    assert core.spec["replicas"] <= int(environment(core, manifests)["HEADWATER_PARTITIONS"])


def test_kubernetes_waits_longer_than_a_worker_takes_to_stop(manifests: list[Manifest]) -> None:
    for workload in workloads(manifests):
        if workload.kind in JOBS:
            continue
        stop_ms = parse_duration(environment(workload, manifests)["HEADWATER_STOP_TIMEOUT"])
        assert workload.pod["terminationGracePeriodSeconds"] * 1000 > stop_ms


def test_pods_may_do_nothing_that_they_need_not(manifests: list[Manifest]) -> None:
    for workload in workloads(manifests):
        assert workload.pod["automountServiceAccountToken"] is False
        assert workload.pod["securityContext"]["runAsNonRoot"] is True
        assert workload.pod["securityContext"]["runAsUser"] == IMAGE_USER
        assert workload.container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        written = {"/tmp", "/var/lib/headwater"}
        assert written <= {mount["mountPath"] for mount in workload.container["volumeMounts"]}


def test_secret_files_are_mounted_and_their_values_are_not_in_the_repository(
    manifests: list[Manifest],
) -> None:
    assert not list(of_kind(manifests, "Secret"))
    for workload in workloads(manifests):
        volumes = {volume["name"]: volume for volume in workload.pod["volumes"]}
        mounts = {mount["mountPath"]: mount["name"] for mount in workload.container["volumeMounts"]}
        for name, value in environment(workload, manifests).items():
            if name.endswith("_FILE"):
                assert volumes[mounts[str(Path(value).parent)]]["secret"]["secretName"]


def test_a_worker_that_ends_because_its_topics_changed_is_started_again(
    manifests: list[Manifest],
) -> None:
    """A pod without a policy is always restarted, also after exit code 1."""
    workers = [one for one in workloads(manifests) if one.kind in ("StatefulSet", "Deployment")]
    assert len(workers) == 3
    assert {one.pod.get("restartPolicy", "Always") for one in workers} == {"Always"}


def test_people_are_forgotten_every_day_with_the_secret_of_the_workers(
    manifests: list[Manifest],
) -> None:
    """Two runs at a time would write rows twice; one with another secret would find nobody."""
    by_name = {found.name: found for found in workloads(manifests)}
    job, core = by_name["headwater-privacy"], by_name["headwater-core"]
    minute, hour, *every = job.spec["schedule"].split()
    assert minute.isdigit()
    assert hour.isdigit()
    assert every == ["*", "*", "*"]
    assert job.spec["concurrencyPolicy"] == "Forbid"
    assert job.container["args"] == ["privacy", "run"]
    secret = "HEADWATER_PSEUDONYM_SECRET_FILE"
    assert environment(job, manifests)[secret] == environment(core, manifests)[secret]
    assert job.spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] < DAY_SECONDS
