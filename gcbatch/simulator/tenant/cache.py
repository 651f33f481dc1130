"""What is computed of a tenant once, and kept as long as the tenant lives."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

from gcbatch.simulator.tenant.tenant import Tenant

__all__ = ["kept_with_tenant"]

Made = TypeVar("Made")


def kept_with_tenant(make: Callable[[Tenant], Made]) -> Callable[[Tenant], Made]:
    """Call *make* once for each tenant.

    Args:
        make: Computes something that does not refer to the tenant itself, which would
            live for ever by it.
    """
    made: WeakKeyDictionary[Tenant, Made] = WeakKeyDictionary()

    @wraps(make)
    def found(tenant: Tenant) -> Made:
        if tenant not in made:
            made[tenant] = make(tenant)
        return made[tenant]

    return found
