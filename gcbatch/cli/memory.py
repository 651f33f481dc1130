"""What a process of gcbatch does about its memory."""

from collections.abc import MutableMapping
from typing import Final

__all__ = ["use_jemalloc"]

CHOICE: Final = "ARROW_DEFAULT_MEMORY_POOL"
"""Arrow's own variable. It is read once, when Arrow is first used."""


def use_jemalloc(environ: MutableMapping[str, str], platform: str) -> None:
    """Have Arrow give memory back to the system when it is done with it.

    With its usual allocator a run over large days takes 50 MB more, and keeps them
    (measured with pyarrow 26 on Linux). It is for processes of our own, before they
    import pyarrow: who imports gcbatch chooses for himself.

    Args:
        environ: Of this process; what it says already stays.
        platform: As sys.platform; pyarrow's wheels for Windows have no jemalloc.
    """
    if platform in ("linux", "darwin"):
        environ.setdefault(CHOICE, "jemalloc")
