"""What evaluations of payers and of values share: plans, replays in event time, histories."""

__all__ = [
    "decided_history",
    "event_time_replay",
    "history_replay",
    "occasions",
    "world_features",
    "world_plan",
]
