"""Apache Kafka 4 on loopback: one process that is broker and controller (KRaft)."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import struct
import subprocess
import sys
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from deploy.local.program import LOOPBACK, LocalServer, ServerError

HERE = Path(__file__).parent
POM = HERE / "pom.xml"
READY_SECONDS = 60.0
HEAP = "512m"
FIRST_JAVA = 17
_NEVER_MS = 2**62
_METADATA, _METADATA_VERSION = 3, 1  # https://kafka.apache.org/protocol

# Small, because everything runs on one machine; nothing here weakens what a client is promised.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={log_folder}
auto.create.topics.enable=false
num.partitions=4
default.replication.factor=1
min.insync.replicas=1
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# A killed broker may only come back once its old session has ended.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
num.network.threads=2
num.io.threads=4
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=16777216
# Simulated events carry old and future times: by age they would be deleted or refused.
log.initial.task.delay.ms={never_ms}
log.retention.check.interval.ms={never_ms}
log.message.timestamp.after.max.ms=9223372036854775807
"""


def jars_folder() -> Path:
    """Where the jars are: HEADWATER_JARS, or a cache folder per content of pom.xml."""
    chosen = os.environ.get("HEADWATER_JARS")
    if chosen:
        return Path(chosen)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "headwater" / "kafka" / hashlib.sha256(POM.read_bytes()).hexdigest()[:12]


def kafka_version() -> str | None:
    """The version of the jars in the cache; None when there are none."""
    names = sorted(path.name for path in jars_folder().glob("kafka_2.13-*.jar"))
    return names[-1].removeprefix("kafka_2.13-").removesuffix(".jar") if names else None


def java_absence() -> str | None:
    """Why Java cannot be used; None when it can."""
    if shutil.which("java") is None:
        return f"there is no java; install Java {FIRST_JAVA} or newer"
    output = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr
    found = output.partition('"')[2].partition(".")[0].partition('"')[0]
    if found.isdecimal() and int(found) >= FIRST_JAVA:
        return None
    return f"java is version {found or 'unknown'}; install Java {FIRST_JAVA} or newer"


def kafka_absence() -> str | None:
    """Why a Kafka server cannot be started here; None when it can."""
    absence = java_absence()
    if absence is None and kafka_version() is None:
        absence = f"no Kafka jars in {jars_folder()}; run: python -m deploy.local.servers jars"
    return absence


def fetch_jars() -> Path:
    """Copy Kafka's jars into the cache with Maven, whose progress goes to the terminal."""
    folder = jars_folder()
    if kafka_version() is not None:
        return folder
    absence = java_absence() or (None if shutil.which("mvn") else "there is no mvn; install Maven")
    if absence:
        raise ServerError(f"cannot fetch Kafka: {absence}")
    # Fetched beside the cache and renamed: an interrupted download must not look complete.
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    print("Fetching Kafka with Maven (once, 45 MB) ...", flush=True)
    quiet = [] if sys.stdout.isatty() else ["--quiet"]
    done = subprocess.run(
        [
            "mvn",
            "--batch-mode",
            *quiet,
            f"--file={POM}",
            "dependency:copy-dependencies",
            f"-DoutputDirectory={partial}",
        ]
    )
    if done.returncode != 0:
        raise ServerError("cannot fetch Kafka: mvn failed; its output is above")
    partial.rename(folder)
    return folder


@dataclass(frozen=True, slots=True)
class KafkaServer(LocalServer):
    """A broker with its folder and ports; after a kill, `start` continues with the same data."""

    program_name: ClassVar[str] = "kafka"
    port: int
    controller_port: int
    properties: str = ""  # more lines of server.properties, which replace those above
    format_options: tuple[str, ...] = ()  # of kafka-storage.sh, such as users to add
    cluster_id: str = ""  # of the cluster to join; empty: a new one

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def start(self, *, dies_with_parent: bool = False) -> None:
        """Start the broker; `wait_ready` says when it answers."""
        absence = kafka_absence()
        if absence:
            raise ServerError(absence)
        settings = self._write_properties()
        if not (self.folder / "logs" / "meta.properties").exists():
            self._format(settings)
        self.program.launch(
            [
                *_java(HEAP),
                f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
                "kafka.Kafka",
                str(settings),
            ],
            dies_with_parent=dies_with_parent,
        )

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until the broker tells clients that it is there; ServerError otherwise."""
        self.program.wait_ready(lambda: _answers(self.port), seconds)

    def version(self) -> str:
        return kafka_version() or "unknown"

    def _write_properties(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.folder / "server.properties"
        settings.write_text(
            _PROPERTIES.format(
                host=LOOPBACK,
                port=self.port,
                controller_port=self.controller_port,
                log_folder=self.folder / "logs",
                never_ms=_NEVER_MS,
            )
            + self.properties
        )
        return settings

    def _format(self, settings: Path) -> None:
        cluster = self.cluster_id or urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = [*_java(HEAP), "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}"]
        command += self.format_options
        done = subprocess.run(
            [*command, "-c", str(settings)], capture_output=True, text=True, cwd=self.folder
        )
        if done.returncode != 0:
            output = " | ".join((done.stdout + done.stderr).strip().splitlines()[-3:])
            raise ServerError(f"kafka cannot format {self.folder}: {output}")


def _java(heap: str) -> list[str]:
    # The first compiler alone: in runs of minutes the second costs more than it saves.
    options = [f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    return ["java", *options, "-cp", str(jars_folder() / "*")]


def _answers(port: int) -> bool:
    """Whether the broker lists itself in its metadata, that is, whether it takes requests."""
    body = struct.pack(">hhihi", _METADATA, _METADATA_VERSION, 1, -1, 0)  # no client id, no topics
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2) as link:
            link.sendall(struct.pack(">i", len(body)) + body)
            answer = link.makefile("rb").read(12)
    except OSError:
        return False
    if len(answer) < 12:
        return False
    brokers: int = struct.unpack(">iii", answer)[2]
    return brokers > 0
