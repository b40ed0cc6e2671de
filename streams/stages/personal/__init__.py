"""What intake makes of personal ids, and what it may not use of them."""

from streams.stages.personal.consent_check import ConsentCheck
from streams.stages.personal.personal_keys import PersonalKeys

__all__ = ["ConsentCheck", "PersonalKeys"]
