"""A broker with a port for each way in: TLS right and wrong, passwords, and rights by user."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest

from deploy.local.servers import KafkaServer, own_kafka
from streams.lab.bench.free_port import free_port
from streams.runtime.faust.internals import send_request
from tests.native_server.certificates import tls_of

PASSWORD: Final = "p=&$ %41;@:/#'"
"""Characters that other clients are known to encode or to cut off."""

USER: Final = "headwater"
EXPIRED = datetime.datetime(2020, 2, 1, tzinfo=datetime.UTC)
# Listener: protocol, the host that it names to clients, certificate.
LISTENERS: Final[Mapping[str, tuple[str, str, str]]] = {
    "TLS": ("SSL", "localhost", "right"),
    "OLD": ("SSL", "localhost", "expired"),
    "OTHER": ("SSL", "localhost", "elsewhere"),
    "MUTUAL": ("SSL", "localhost", "right"),
    "STRAY": ("SSL", "127.0.0.1", "right"),
    "GONE": ("PLAINTEXT", "broker-7.invalid", ""),
    "SASL": ("SASL_PLAINTEXT", "127.0.0.1", ""),
    "NARROW": ("SASL_PLAINTEXT", "127.0.0.1", ""),
    "SECURE": ("SASL_SSL", "localhost", "right"),
}
_ALL_MECHANISMS = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
TOPIC, GROUP, CLUSTER, TRANSACTIONAL_ID = 2, 3, 4, 5
ANY, READ, WRITE, CREATE, DESCRIBE, DESCRIBE_CONFIGS = 2, 3, 4, 5, 8, 10
LITERAL, PREFIXED = 3, 4
DENY, ALLOW = 2, 3


@dataclass(frozen=True)
class SecureBroker:
    server: KafkaServer
    ports: Mapping[str, int]
    folder: Path

    def at(self, listener: str, host: str = "localhost") -> dict[str, str]:
        """The settings with which a worker gets in at a listener."""
        protocol, _, _ = LISTENERS[listener]
        settings = {
            "HEADWATER_KAFKA": f"{host}:{self.ports[listener]}",
            "HEADWATER_KAFKA_SECURITY": protocol,
        }
        if protocol.endswith("SSL"):
            settings["HEADWATER_KAFKA_CA_CERTIFICATE"] = str(self.authority("right"))
        if protocol.startswith("SASL"):
            settings |= {"HEADWATER_KAFKA_USERNAME": USER, "HEADWATER_KAFKA_PASSWORD": PASSWORD}
        return settings

    def authority(self, certificate: str) -> Path:
        return self.folder / certificate / "authority.pem"

    def client_certificate(self) -> dict[str, str]:
        """What the listener MUTUAL asks for."""
        return {
            "HEADWATER_KAFKA_CLIENT_CERTIFICATE": str(self.folder / "client" / "server.pem"),
            "HEADWATER_KAFKA_CLIENT_KEY": str(self.folder / "client" / "server.key"),
        }

    async def give(
        self, kind: int, name: str, operations: Sequence[int], permission: int = ALLOW
    ) -> None:
        """Give the user rights on what is named so, or begins so when the name ends in `*`."""
        pattern = PREFIXED if name.endswith("*") and name != "*" else LITERAL
        text = name.removesuffix("*") if pattern == PREFIXED else name
        for operation in operations:
            await self._send(
                CreateAclsRequest(kind, text, pattern, f"User:{USER}", "*", operation, permission)
            )

    async def pardon(self) -> None:
        """Take back every denial."""
        await self._send(DeleteAclsRequest(1, None, 1, None, None, 1, DENY))

    async def _send(self, request: CreateAclsRequest | DeleteAclsRequest) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.server.address)
        await admin.start()
        try:
            answer = (await send_request(admin, request)).to_object()
        finally:
            await admin.close()
        *_, responses = answer.values()
        assert not any(response["error_code"] for response in responses), responses


def secure_broker(folder: Path) -> SecureBroker:
    """Not started yet."""
    for name, host, until in (
        ("right", "localhost", None),
        ("expired", "localhost", EXPIRED),
        ("elsewhere", "kafka.example", None),
        ("wrong", "localhost", None),
        ("client", "headwater", None),
    ):
        tls_of(folder / name, host, *([until] if until else []))
        pair = folder / name
        (pair / "store.pem").write_bytes(
            (pair / "server.key").read_bytes() + (pair / "server.pem").read_bytes()
        )
    server = own_kafka(folder / "kafka")
    ports = {name: free_port() for name in LISTENERS}
    users = tuple(
        f"--add-scram={mechanism}=[name={USER},password={password}]"
        for mechanism, password in (("SCRAM-SHA-512", PASSWORD),)
    )
    secure = KafkaServer(
        server.folder,
        server.port,
        server.controller_port,
        _properties(server, ports, folder),
        users,
    )
    return SecureBroker(secure, ports, folder)


def _properties(server: KafkaServer, ports: Mapping[str, int], folder: Path) -> str:
    own = f"PLAINTEXT://{server.address}"
    controller = f"CONTROLLER://127.0.0.1:{server.controller_port}"
    listening = [f"{name}://127.0.0.1:{port}" for name, port in ports.items()]
    named = [f"{name}://{LISTENERS[name][1]}:{port}" for name, port in ports.items()]
    protocols = [f"{name}:{protocol}" for name, (protocol, _, _) in LISTENERS.items()]
    lines = [
        "listeners=" + ",".join([own, controller, *listening]),
        "advertised.listeners=" + ",".join([own, *named]),
        "listener.security.protocol.map="
        + ",".join(["PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT", *protocols]),
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        # Ports that ask nobody to sign in let everybody do everything.
        "super.users=User:ANONYMOUS",
        f"sasl.enabled.mechanisms={_ALL_MECHANISMS}",
        "listener.name.narrow.sasl.enabled.mechanisms=PLAIN",
        "listener.name.mutual.ssl.client.auth=required",
        # The name in the certificate is the user.
        "listener.name.mutual.ssl.principal.mapping.rules=RULE:^CN=(.*)$/$1/",
    ]
    for name, (protocol, _, certificate) in LISTENERS.items():
        prefix = f"listener.name.{name.lower()}"
        if certificate:
            trusted = folder / ("client" if name == "MUTUAL" else certificate) / "authority.pem"
            lines += [
                f"{prefix}.ssl.keystore.type=PEM",
                f"{prefix}.ssl.keystore.location={folder / certificate / 'store.pem'}",
                f"{prefix}.ssl.truststore.type=PEM",
                f"{prefix}.ssl.truststore.location={trusted}",
            ]
        if protocol.startswith("SASL"):
            lines += [
                f'{prefix}.plain.sasl.jaas.config={_PLAIN} required user_{USER}="{PASSWORD}" ;',
                f"{prefix}.scram-sha-256.sasl.jaas.config={_SCRAM} required ;",
                f"{prefix}.scram-sha-512.sasl.jaas.config={_SCRAM} required ;",
            ]
    return "\n".join(lines) + "\n"
