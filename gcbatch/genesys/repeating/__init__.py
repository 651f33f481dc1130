"""Which refused requests are repeated: a file for each rule."""

from functools import cache

from gcbatch.errors import Refusal
from gcbatch.genesys.retry import Rule
from gcbatch.registry import RULES, load_member, module_names

__all__ = ["rule_for"]


def rule_for(refusal: Refusal) -> Rule | None:
    """Return the rule by which a refused request is repeated; None if it is not.

    Of several that fit the first by name counts.
    """
    return next((rule for rule in _rules() if rule.fits(refusal)), None)


@cache
def _rules() -> tuple[Rule, ...]:
    return tuple(load_member(RULES, name, "RULE") for name in module_names(RULES))
