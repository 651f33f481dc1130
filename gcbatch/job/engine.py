"""Which processes fetch: the section `engine:`."""

from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from gcbatch.job.section import Section, one_of

__all__ = ["ENGINES", "EngineSection"]


ENGINES: Final = ("local", "dask")


class EngineSection(Section):
    """Who fetches: the `engine:` section.

    Args:
        name: `local` is this process, `dask` a cluster's workers.
        scheduler: Address of a standing cluster, such as
            `tls://scheduler.example:8786`.
        workers: Instead of a scheduler: how many processes of this machine, started
            for the run. Default: one for each core.
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
            msg = "scheduler and workers are of the engine dask"
            raise ValueError(msg)
        if self.scheduler and self.workers:
            msg = "a standing cluster has its own workers; leave workers out"
            raise ValueError(msg)
        return self
