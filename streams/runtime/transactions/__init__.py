"""How the lanes of a worker commit: together, in transactions of a producer that all know by name.

    lanes ── decided ──► LaneLog ─┐
    lanes ── decided ──► LaneLog ─┼─► SharedLog ── one transaction at a time ──► Kafka
    lanes ── decided ──► LaneLog ─┘

A worker has one transactional producer, with a new transactional id for every generation of the
consumer group. Before a lane decides in a new generation, its worker takes the partitions over:

1. The label of every committed offset names the transactional id of its owner. The ids of former
   owners are initialised anew, which fences those producers and ends their open transactions. So
   are the ids of builds whose labels name nobody (one per stage and partition): such a worker may
   have opened a lane without having committed anything yet.
2. The offsets are read again, until they name nobody who is not fenced, and, on brokers that can
   wait for it, while no transaction may still change them.
3. They are committed with this worker's id, as an ordinary commit that the group's coordinator
   refuses to a member of an older generation. A worker that is refused joins the group before it
   tries again, lest it fence the rightful owner over and over.

A worker that was believed dead can therefore neither claim a partition (3, its generation is old)
nor commit what it had decided (1, whoever claimed the partition after it has fenced it first).

Two things are not covered. A worker of the build before does not read labels: it does not fence one
of this build that is frozen. And whoever resets the group's offsets with Kafka's own tools takes
the names off: no worker may be frozen meanwhile.
"""

from __future__ import annotations

from streams.runtime.transactions.shared_log import LaneLog, SharedLog
from streams.runtime.transactions.takeover import take_over

__all__ = ["LaneLog", "SharedLog", "take_over"]
