"""How the lanes of a worker commit: together, in transactions of producers that all know by name.

    lanes ── decided ──► LaneLog ─┐
    lanes ── decided ──► LaneLog ─┼─► SharedLog ── one transaction at a time ──► Kafka
    lanes ── decided ──► LaneLog ─┘   (one of StageLogs)

A worker has a transactional producer for the stages that decide and one for learning, with new
transactional ids for every generation of the consumer group. What lanes have decided when a
transaction of their producer begins goes into it together. Before a lane decides in a new
generation, its worker takes the partitions of all stages over:

1. The label of every committed offset names the transactional id of its owner. The ids of former
   owners are initialised anew, which fences those producers and ends their open transactions. So
   are the ids of builds whose labels name nobody (one per stage and partition): such a worker may
   have opened a lane without having committed anything yet.
2. The offsets are read again, until they name nobody who is not fenced, and, on brokers that can
   wait for it, while no transaction may still change them.
3. They are committed, each with the id of the producer that commits for its stage, as one ordinary
   commit that the group's coordinator refuses to a member of an older generation. A worker that is
   refused joins the group before it tries again, lest it fence the rightful owner over and over.

A worker that was believed dead can therefore neither claim a partition (3, its generation is old)
nor commit what it had decided (1, whoever claimed the partition after it has fenced it first).
No producer commits before all this is done for all stages, and whatever part of it fails, all of
it is done again with further ids: those that it had come to are fenced as if they were another's.

Two things are not covered. A worker of a build with a producer for each lane does not read labels:
it does not fence one of this build that is frozen. And whoever resets the group's offsets with
Kafka's own tools takes the names off: no worker may be frozen meanwhile.
"""

from __future__ import annotations

from streams.runtime.transactions.ownership import successions
from streams.runtime.transactions.shared_log import LaneLog, SharedLog
from streams.runtime.transactions.stage_logs import StageLogs
from streams.runtime.transactions.takeover import take_over

__all__ = ["LaneLog", "SharedLog", "StageLogs", "successions", "take_over"]
