"""What tables cost, and the permissions that they need, in words."""

from gcbatch.genesys import DETAIL_PAGE, JOB_PAGE, LISTING_PAGE, EntityKind

__all__ = ["permission_of", "requests_of", "requests_of_details"]


def requests_of_details() -> str:
    """Return the requests of the tables of details: one fetch is for all of them."""
    return (
        f"1 for each {DETAIL_PAGE:,} records, by async job {JOB_PAGE:,}; "
        "once for all these tables"
    )


def requests_of(kind: EntityKind) -> str:
    """Return the requests of a listing."""
    requests = f"1 for each {LISTING_PAGE:,}"
    parts = len(kind.slices)
    return requests if parts == 1 else f"{requests}, in {parts} parts"


def permission_of(kind: EntityKind) -> str:
    """Return the permission for a listing; empty if any role may read it."""
    del kind
    return ""
