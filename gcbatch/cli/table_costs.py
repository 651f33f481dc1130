"""What tables cost, and the permissions that they need, in words."""

from gcbatch.genesys import DETAIL_PAGE, JOB_PAGE, EntityKind, Paging, entity_kind

__all__ = ["permission_of", "requests_of", "requests_of_details"]


def requests_of_details() -> str:
    """Return the requests of the tables of details: one fetch is for all of them."""
    return (
        f"1 for each {DETAIL_PAGE:,} records, by async job {JOB_PAGE:,}; "
        "once for all these tables"
    )


def requests_of(kind: EntityKind) -> str:
    """Return the requests of a listing."""
    if kind.expand:
        return f"none, if {kind.parent} are listed too; else theirs"
    is_whole = kind.paging is Paging.WHOLE
    more = ", twice if there are more" if kind.paging is Paging.NUMBERED else ""
    if kind.parent:
        parents = f"each of the {entity_kind(kind.parent).label}"
        several = "" if is_whole else f"each {kind.page_size:,} of "
        return f"1 for {several}{parents}{more}"
    parts = len(kind.slices)
    if is_whole:
        requests = f"{parts}"
    else:
        in_parts = "" if parts == 1 else f", in {parts} parts"
        requests = f"1 for each {kind.page_size:,}{in_parts}{more}"
    return f"{requests}, the deleted ones apart" if kind.deleted else requests


def permission_of(kind: EntityKind) -> str:
    """Return the permissions for a listing; empty if any role may read it."""
    needed = []
    if kind.permissions:
        needed.append(" or ".join(kind.permissions))
    of_parents = permission_of(entity_kind(kind.parent)) if kind.parent else ""
    if of_parents and of_parents not in needed:
        needed.append(f"{of_parents} for {kind.parent}")
    if kind.deleted:
        needed.append(f"{kind.deleted.permission} for the deleted ones")
    return "; ".join(needed)
