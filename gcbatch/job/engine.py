"""The section `engine:`: which processes fetch."""

from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from gcbatch.job.section import Section, one_of

__all__ = ["ENGINES", "EngineSection"]

ENGINES: Final = ("local", "dask")


class EngineSection(Section):
    """The `engine:` section: which processes fetch.

    Args:
        name: `local` is this process, `dask` the workers of a cluster.
        scheduler: Address of a running cluster, such as
            `tls://scheduler.example:8786`.
        workers: Instead of a scheduler, the number of processes of this machine to
            start for the run. Default: one for each core.
    """

    name: Annotated[str, one_of("engine", ENGINES)] = "local"
    scheduler: Annotated[str, Field(pattern=r"^(tcp|tls)://[^/ ]+:\d+$")] | None = None
    workers: Annotated[int, Field(ge=1, le=1024)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_name(cls, data: Any) -> Any:
        return {"name": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.name == "local" and (self.scheduler or self.workers):
            msg = "only the engine dask has a scheduler and workers"
            raise ValueError(msg)
        if self.scheduler and self.workers:
            msg = "a running cluster has its own workers; remove workers"
            raise ValueError(msg)
        return self
