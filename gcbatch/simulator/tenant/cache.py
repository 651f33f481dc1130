"""A cache of what is computed from a tenant; it lives as long as the tenant."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

from gcbatch.simulator.tenant.tenant import Tenant

__all__ = ["cached_per_tenant"]

Made = TypeVar("Made")


def cached_per_tenant(make: Callable[[Tenant], Made]) -> Callable[[Tenant], Made]:
    """Call *make* once for each tenant.

    Args:
        make: Its result must not refer to the tenant, which would then never be
            freed.
    """
    made: WeakKeyDictionary[Tenant, Made] = WeakKeyDictionary()

    @wraps(make)
    def found(tenant: Tenant) -> Made:
        if tenant not in made:
            made[tenant] = make(tenant)
        return made[tenant]

    return found
