"""A second broker beside the one of a story, and partitions that only it has."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.program import LOOPBACK
from deploy.local.servers import KafkaServer
from streams.lab.bench.free_port import free_port

FIRST, SECOND = 1, 2
_WAIT_SECONDS = 60.0
_LOOK_SECONDS = 0.5


def second_broker(first: KafkaServer, folder: Path) -> KafkaServer:
    """A broker that joins the cluster of the first one, which has to have started once."""
    known = (first.folder / "logs" / "meta.properties").read_text().splitlines()
    cluster = next(line.partition("=")[2] for line in known if line.startswith("cluster.id="))
    port = free_port()
    replaced = (
        "process.roles=broker",
        f"node.id={SECOND}",
        f"controller.quorum.voters={FIRST}@{LOOPBACK}:{first.controller_port}",
        f"listeners=PLAINTEXT://{LOOPBACK}:{port}",
        f"advertised.listeners=PLAINTEXT://{LOOPBACK}:{port}",
    )
    return KafkaServer(
        folder.resolve(), port, first.controller_port, "\n".join(replaced) + "\n", (), cluster
    )


async def recreate_on_brokers(
    address: str, topic: str, config: Mapping[str, str], brokers: Sequence[int]
) -> None:
    """Make a topic anew, with one partition for each of these brokers, in order."""
    where = {p: [broker] for p, broker in enumerate(brokers)}
    anew = NewTopic(topic, -1, -1, replica_assignments=where, topic_configs=dict(config))
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        await admin.delete_topics([topic])
        async with asyncio.timeout(_WAIT_SECONDS):
            while True:
                if await _is_there(admin, anew, brokers):
                    return
                await asyncio.sleep(_LOOK_SECONDS)
    finally:
        await admin.close()


async def _is_there(admin: AIOKafkaAdminClient, anew: NewTopic, brokers: Sequence[int]) -> bool:
    """Kafka refuses it while the old topic is there, and where it does not know the brokers yet."""
    await admin.create_topics([anew])
    (found,) = await admin.describe_topics([anew.name])
    leaders = {one["partition"]: one["leader"] for one in found["partitions"]}
    return leaders == dict(enumerate(brokers))
