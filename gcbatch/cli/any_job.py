"""Jobs that are never run: they declare the tables that any job can have."""

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from gcbatch.job import Job

__all__ = ["any_job"]

ANY: Final[dict[str, Any]] = {"name": "any", "org": {"simulator": True}}
RANGE: Final = {"from": "2026-01-01", "to": "2026-01-02"}


def any_job(endpoint: str, *, with_sla: bool = False, **query: Any) -> "Job":
    """Return a job of an endpoint, with all defaults.

    Args:
        endpoint: As in `query.endpoint`.
        with_sla: Whether it has the table `sla`; if so, its metrics have a default.
        query: More keys of the section `query`.
    """
    from gcbatch.job import Job

    sections: dict[str, Any] = {
        **ANY,
        "query": {**RANGE, "endpoint": endpoint, **query},
    }
    if with_sla:
        sections["sla"] = {}
    return Job.model_validate(sections)
