"""The name of a table, and the lock that goes with it."""

from dataclasses import dataclass
from hashlib import sha256

from gcbatch.dialects import quoted

__all__ = ["TableName"]


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    """A table of a database.

    Args:
        db_schema: The schema that the table is in.
        name: Its name there.
    """

    db_schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.db_schema}.{self.name}"

    @property
    def sql(self) -> str:
        """The name within a statement.

        Raises:
            JobError: If PostgreSQL cannot store it.
        """
        return ".".join(quoted(n, "postgresql") for n in (self.db_schema, self.name))

    @property
    def lock_key(self) -> int:
        """The key of the table's advisory lock, a signed number of 64 bits.

        Only those who know it wait: readers and other programs do not.
        """
        digest = sha256(f"gcbatch {self.sql}".encode()).digest()
        return int.from_bytes(digest[:8], signed=True)
