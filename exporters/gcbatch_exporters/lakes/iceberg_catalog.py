"""The catalogs that Iceberg tables are in."""

from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import unquote, urlsplit

from pydantic import TypeAdapter, model_validator

from gcbatch.errors import JobError
from gcbatch.exporting import (
    LocalPath,
    Options,
    Secret,
    SecretFile,
    SecretUri,
    reveal,
)
from gcbatch.lazy import lazy_import
from gcbatch.objects import endpoint_fault

__all__ = ["IcebergCatalog"]

rest = lazy_import("pyiceberg.catalog.rest")
sql = lazy_import("pyiceberg.catalog.sql")
sql_errors = lazy_import("sqlalchemy.exc")

_SQLITE: Final = "sqlite:///"

_LOCAL: Final[TypeAdapter[Path]] = TypeAdapter(LocalPath)


class IcebergCatalog(Options):
    """The catalog of an Iceberg table.

    Args:
        type: `sql`, a database that says where the newest metadata of each table is, or
            `rest`, a server.
        uri: Of a `sql` catalog as SQLAlchemy has it: `sqlite:///lake/catalog.db` is a
            file, created if it is missing, and four slashes begin an absolute path. Of
            a `rest` catalog the server's address.
        warehouse: Of a `sql` catalog the folder for new tables; it is needed. Of a
            `rest` catalog the name of the warehouse, if the server has several.
        name: The name of a `sql` catalog within its database. All programs that use it
            must give the same.
        credential: For a `rest` catalog: `CLIENT_ID:CLIENT_SECRET` of OAuth.
        token: For a `rest` catalog: a token, instead of `credential`.
        oauth2_server_uri: Where a token is got for `credential`. Default: from the
            catalog itself.
        scope: The scope of that token. Default: `catalog`.
    """

    type: Literal["sql", "rest"]
    uri: SecretUri
    warehouse: str | None = None
    name: str = "default"
    credential: Secret | None = None
    token: Secret | None = None
    oauth2_server_uri: str | None = None
    scope: str | None = None

    @model_validator(mode="after")
    def _fits_its_type(self) -> "IcebergCatalog":
        only_rest = ("credential", "token", "oauth2_server_uri", "scope")
        if self.type == "rest":
            if not isinstance(self.uri, SecretFile) and (fault := self._fault):
                raise ValueError(fault)
            return self
        if given := [key for key in only_rest if getattr(self, key) is not None]:
            msg = f"{given[0]} is for a catalog of type rest; leave it out"
            raise ValueError(msg)
        if self.warehouse is None:
            msg = "a catalog of type sql needs a warehouse: the folder for new tables"
            raise ValueError(msg)
        _LOCAL.validate_python(self.warehouse)
        return self

    @property
    def _fault(self) -> str | None:
        """Why a secret would be sent unencrypted, or an address is none."""
        for url in (reveal(self.uri), self.oauth2_server_uri):
            if url is not None and (fault := endpoint_fault(url)):
                address = urlsplit(url)
                return f"{address.scheme}://{address.netloc.rpartition('@')[2]} {fault}"
        return None

    @property
    def place(self) -> str:
        """Where the catalog is, without user and secrets."""
        uri = reveal(self.uri)
        if (file := _sqlite_file(uri)) is not None:
            return str(file)
        address = urlsplit(uri)
        host = address.netloc.rpartition("@")[2]
        return f"{host}{address.path}".rstrip("/") or self.type

    @property
    def is_missing(self) -> bool:
        """Whether it certainly has no tables, so that only a load creates it."""
        file = _sqlite_file(reveal(self.uri)) if self.type == "sql" else None
        return file is not None and not file.exists()

    def open(self) -> Any:
        """Return the catalog, by pyiceberg; to be closed."""
        properties = {"uri": reveal(self.uri)}
        for key, value in (("credential", self.credential), ("token", self.token)):
            if value is not None:
                properties[key] = reveal(value)
        if self.type == "rest":
            if fault := self._fault:
                raise JobError(fault, hint="correct `catalog` of the export")
            optional = {
                "warehouse": self.warehouse,
                "oauth2-server-uri": self.oauth2_server_uri,
                "scope": self.scope,
            }
            given = {k: v for k, v in optional.items() if v is not None}
            return rest.RestCatalog(self.name, **properties, **given)
        # A path without a scheme: in a URL, `#` and `%` would mean something.
        properties["warehouse"] = str(Path(str(self.warehouse)).absolute())
        if file := _sqlite_file(properties["uri"]):
            file.parent.mkdir(parents=True, exist_ok=True)
        # A catalog that failed to create its tables by itself could not be closed.
        properties["init_catalog_tables"] = "false"
        catalog = sql.SqlCatalog(self.name, **properties)
        try:
            _create_tables(catalog)
        except BaseException:
            catalog.close()
            raise
        return catalog


def _create_tables(catalog: Any) -> None:
    """Create the two tables of a SQL catalog, unless they are there."""
    for is_last in (False, False, True):
        try:
            catalog.create_tables()
        except sql_errors.DBAPIError:  # another process just created one of them
            if is_last:
                raise
        else:
            return


def _sqlite_file(uri: str) -> Path | None:
    path = uri.removeprefix(_SQLITE).partition("?")[0]
    return Path(unquote(path)) if uri.startswith(_SQLITE) and path else None
