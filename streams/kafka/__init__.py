"""Kafka apart from the lanes: client options, topics, publishing, the embedded broker, and whether
a consumer group has caught up.
"""

__all__ = ["caught_up", "client_options", "embedded_broker", "publisher", "topics"]
