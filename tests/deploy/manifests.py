"""Reads the Kubernetes manifests: the base as it is written, and an overlay as it renders."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.checkout import ROOT

BASE = ROOT / "deploy" / "kubernetes" / "base"
EXAMPLE = ROOT / "deploy" / "kubernetes" / "overlays" / "example"
RENDERERS = (("kubectl", "kustomize"), ("kustomize", "build"))
Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Workload:
    """A kind of pod: who makes it, its labels and its only container."""

    name: str
    kind: str
    spec: Manifest
    labels: dict[str, str]
    pod: Manifest

    @property
    def container(self) -> Manifest:
        (container,) = self.pod["containers"]
        found: Manifest = container
        return found


def renderer() -> list[str] | None:
    """A program that renders kustomizations; None when this machine has none."""
    return next((list(command) for command in RENDERERS if shutil.which(command[0])), None)


def kustomization(folder: Path) -> Manifest:
    found: Manifest = yaml.safe_load((folder / "kustomization.yaml").read_text())
    return found


@cache
def as_written() -> list[Manifest]:
    """The base without what Kustomize adds, and the ConfigMap that it generates."""
    found = []
    for name in kustomization(BASE)["resources"]:
        found += list(yaml.safe_load_all((BASE / name).read_text()))
    for generated in kustomization(BASE)["configMapGenerator"]:
        values = dict(literal.split("=", 1) for literal in generated["literals"])
        metadata = {"name": generated["name"]}
        found.append({"kind": "ConfigMap", "metadata": metadata, "data": values})
    # What `labels` with includeSelectors adds to every object and pod.
    (labels,) = kustomization(BASE)["labels"]
    for workload in workloads(found):
        workload.labels.update(labels["pairs"])
    return found


@cache
def as_rendered(folder: Path) -> list[Manifest]:
    command = renderer()
    assert command is not None
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def of_kind(manifests: list[Manifest], kind: str) -> Iterator[Manifest]:
    return (manifest for manifest in manifests if manifest["kind"] == kind)


def workloads(manifests: list[Manifest]) -> list[Workload]:
    return [
        Workload(
            manifest["metadata"]["name"],
            manifest["kind"],
            manifest["spec"],
            template["metadata"]["labels"],
            template["spec"],
        )
        for manifest in manifests
        if (template := _template(manifest)) is not None
    ]


def _template(manifest: Manifest) -> Manifest | None:
    """The template of the pods of a workload; that of a CronJob stands in a template of a Job."""
    spec = manifest.get("spec", {})
    found: Manifest | None = spec.get("jobTemplate", {}).get("spec", spec).get("template")
    return found


def matches(selector: Manifest, labels: dict[str, str]) -> bool:
    """Whether a label selector, in either of its two forms, chooses these labels."""
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    return wanted and all(
        labels.get(rule["key"]) in rule["values"] for rule in selector.get("matchExpressions", [])
    )


def environment(workload: Workload, manifests: list[Manifest]) -> dict[str, str]:
    """The variables the container sees; fields of the pod are filled with its name."""
    values: dict[str, str] = {}
    maps = {found["metadata"]["name"]: found["data"] for found in of_kind(manifests, "ConfigMap")}
    for source in workload.container.get("envFrom", []):
        values |= maps[source["configMapRef"]["name"]]
    for variable in workload.container.get("env", []):
        values[variable["name"]] = variable.get("value", f"{workload.name}-0")
    return values
