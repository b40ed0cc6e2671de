"""The four deciding stages: pure state machines over one ordered log each."""
