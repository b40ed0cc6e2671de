"""Topics that are deleted and created anew while the store holds rows of the old ones."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import aiokafka
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

pytest.importorskip("chdb", reason="the embedded store is not installed")

from deploy.local.servers import KafkaServer
from schemas import topics
from schemas.outcomes import outcome_encoder
from streams.runtime.offsets import Offsets
from streams.settings.storing import StoreTarget, StoringSettings
from streams.store.migrations import apply_migrations
from streams.wiring.store import open_target
from tests.worlds.stores.traffic_outcomes import touch

pytestmark = pytest.mark.kafka
WAIT_SECONDS = 60.0
TOUCHES = ("touches", 0)


class Storing:
    """A storing worker on chdb, with outcome topics of its own."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address = address
        self.folder = folder / "chdb"
        self.prefix = f"test-{uuid.uuid4().hex}-"
        self.process: subprocess.Popen[str] | None = None
        store = open_target(StoreTarget(folder=self.folder), 60)
        apply_migrations(store)
        store.close()

    def start(self) -> None:
        values = {
            "bootstrap_servers": self.address,
            "folder": str(self.folder),
            "topic_prefix": self.prefix,
            "epoch": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.storing.storing_process", json.dumps(values)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def exit_code(self) -> int:
        """Of a worker that ends by itself."""
        assert self.process is not None
        return self.process.wait(WAIT_SECONDS)

    def end(self) -> tuple[int, str]:
        """Exit code and last words; ends a worker that runs."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=WAIT_SECONDS)
        return self.process.returncode, errors

    def names(self) -> dict[str, str]:
        """Log epoch by the name of each stored touchpoint."""
        store = open_target(StoreTarget(folder=self.folder), 60)
        rows = store.query("SELECT event_id, log_epoch FROM touches").rows
        store.close()
        assert len({name for name, _ in rows}) == len(rows), "a row is stored twice"
        return {str(name): str(epoch) for name, epoch in rows}

    async def recreate(self, exists: bool = True) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.address)
        await admin.start()
        names = [self.prefix + topic.name for topic in topics.OUTCOMES]
        try:
            if exists:
                await admin.delete_topics(names)
                give_up_at = time.monotonic() + WAIT_SECONDS
                while set(names) & set(await admin.list_topics()):
                    assert time.monotonic() < give_up_at
                    await asyncio.sleep(0.1)
            await admin.create_topics([NewTopic(name, 1, 1) for name in names])
        finally:
            await admin.close()

    async def send(self, *names: str) -> None:
        producer = aiokafka.AIOKafkaProducer(bootstrap_servers=self.address)
        await producer.start()
        try:
            for name in names:
                value = outcome_encoder.encode(touch(name))
                await producer.send_and_wait(self.prefix + "touches", value, partition=0)
        finally:
            await producer.stop()

    async def stored(self, offset: int) -> None:
        """Wait until the worker has committed this offset."""
        assert self.process is not None
        settings = StoringSettings(
            self.address, StoreTarget(), "1", topic_prefix=self.prefix
        ).kafka()
        offsets = Offsets(settings)
        await offsets.start()
        give_up_at = time.monotonic() + WAIT_SECONDS
        try:
            while (await offsets.committed(settings.group_id, [TOUCHES])).get(TOUCHES, 0) < offset:
                assert self.process.poll() is None, self.process.communicate()[1]
                assert time.monotonic() < give_up_at
                await asyncio.sleep(0.2)
        finally:
            await offsets.stop()


@pytest.fixture
def storing(kafka: KafkaServer, tmp_path: Path) -> Iterator[Storing]:
    worker = Storing(kafka.address, tmp_path)
    yield worker
    if worker.process is not None and worker.process.poll() is None:
        worker.process.kill()
        worker.process.communicate()


def test_rows_of_topics_made_anew_are_all_stored_whether_the_worker_ran_or_not(
    storing: Storing,
) -> None:
    async def story() -> None:
        await storing.recreate(exists=False)
        await storing.send("a", "b", "c")
        storing.start()
        await storing.stored(3)
        # While the worker runs: it ends with one line, and the next one stores everything.
        await storing.recreate()
        await storing.send("p", "q")
        assert await asyncio.to_thread(storing.exit_code) == 1
        assert "created anew" in storing.end()[1]
        storing.start()
        await storing.stored(2)
        code, lines = await asyncio.to_thread(storing.end)
        assert code == 0, lines
        assert "topic touches is another log than before" in lines
        # While none runs: the new log has grown beyond the old one's offset.
        await storing.recreate()
        await storing.send("v", "w", "x", "y", "z")
        storing.start()
        await storing.stored(5)
        assert (await asyncio.to_thread(storing.end))[0] == 0

    asyncio.run(story())
    names = storing.names()
    assert "".join(sorted(names)) == "abcpqvwxyz"
    assert len(set(names.values())) == 3
    assert {names[name] for name in "abc"} == {"1"}
