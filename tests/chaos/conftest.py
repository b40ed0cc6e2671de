"""The broker of the integration tests serves here, too."""

from tests.integration.conftest import kafka

__all__ = ["kafka"]
