"""What intake makes of personal ids: match keys under the secrets in force."""

from streams.stages.personal.personal_keys import PersonalKeys

__all__ = ["PersonalKeys"]
