"""Whether the environment, the files that it names and the secret can be used."""

from __future__ import annotations

import os

from attribution.rules.rules import rule_set_id
from streams.errors import Stop
from streams.operations.doctor.check import Check
from streams.settings import ModelSettings, RuleSettings, Settings
from streams.wiring.parts import attribution_rules, scoring_rules
from streams.wiring.pseudonym_secret import keeps_personal_rows, secret_fault


def examine_environment() -> Check:
    """The check `settings`: they could be read, or nobody would be asking."""
    named = sum(variable.startswith("HEADWATER_") for variable in os.environ)
    return Check("settings", True, f"{named} of them are set in the environment")


def examine_rules(rules: RuleSettings) -> Check:
    """The check `rules`."""
    if rules.attribution is None:
        return Check("rules", True, "HEADWATER_RULES is not set: the default rules")
    try:
        found = attribution_rules(rules, rules.attribution)
    except Stop as error:
        return Check("rules", False, str(error))
    known = f"{rules.attribution}: rule set {rule_set_id(found)}, {len(found.scopes)} scopes"
    return Check("rules", True, known)


def examine_targets(models: ModelSettings) -> Check:
    """The check `targets`."""
    if models.targets is None:
        return Check("targets", True, "HEADWATER_TARGETS is not set: payers, and value in USD")
    try:
        found = scoring_rules(models).targets
    except Stop as error:
        return Check("targets", False, str(error))
    names = ", ".join(target.name for target in found.hazards)
    return Check("targets", True, f"{models.targets}: {names}, value in {found.value.currency}")


def examine_pseudonyms(settings: Settings) -> Check:
    """The check `pseudonyms`."""
    privacy = settings.privacy
    if keeps_personal_rows(settings) and (fault := secret_fault(privacy)):
        return Check("pseudonyms", False, fault)
    if privacy.pseudonym_secret is None:
        return Check("pseudonyms", True, "made with a published key: for demos only")
    if privacy.former_until_date is not None:
        until = f"{privacy.former_until_date:%Y-%m-%d}"
        return Check("pseudonyms", True, f"two secrets are in force, the former until {until}")
    return Check("pseudonyms", True, "HEADWATER_PSEUDONYM_SECRET is set")
