"""The network settings of the environment: proxies, and certificates that TLS trusts.

They are checked before the first request that needs them, so that a mistake in a
variable is an error that names the variable. Errors do not show its value: a proxy's
address may hold a password.
"""

import os
import ssl
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from gcbatch.errors import ServiceError
from gcbatch.genesys import is_loopback

__all__ = ["check_trust", "proxy_for"]

SCHEMES: Final = ("http", "https")
"""Schemes of proxies that aiohttp supports; SOCKS is not among them."""


def proxy_for(origin: str) -> str | None:
    """Return the proxy's address for an origin, such as https://api.mypurecloud.ie.

    An address without a scheme is http, as for curl and others.

    Raises:
        ServiceError: If it cannot be used; names the variable.
    """
    parts = urlsplit(origin)
    # Requests without TLS must not leave this machine, not even through a proxy.
    if is_loopback(origin) or proxy_bypass(parts.hostname or ""):
        return None
    value = getproxies().get(parts.scheme, "").strip()
    if not value:
        return None
    address = value if "://" in value else f"http://{value}"
    scheme = address.partition("://")[0].lower()
    where = f"{_variable_of(parts.scheme)}: "
    hint = "write http://HOST:PORT; NO_PROXY exempts hosts"
    if scheme not in SCHEMES:
        known = scheme if scheme.isalnum() and scheme.isascii() else "such"
        msg = f"{where}{known} proxies are not supported"
        raise ServiceError(msg, hint=hint)
    try:
        proxy = urlsplit(address)
        usable = bool(proxy.hostname) and proxy.port != 0
    except ValueError:  # a port that is no number
        usable = False
    if not usable:
        msg = f"{where}is not the address of a proxy"
        raise ServiceError(msg, hint=f"{hint}; write @, / and # in a password as %40 …")
    return address


def _variable_of(scheme: str) -> str:
    """Return the name of the variable that sets the proxy."""
    names = (f"{scheme}_proxy", f"{scheme.upper()}_PROXY")
    return next((name for name in names if os.environ.get(name)), "the system's proxy")


def check_trust() -> None:
    """Check that the variables about certificates name some.

    OpenSSL ignores a file that does not exist, and then trusts no server.

    Raises:
        ServiceError: If they name none; says which variable and file.
    """
    paths = ssl.get_default_verify_paths()
    file, folders = paths.openssl_cafile_env, paths.openssl_capath_env
    if (path := os.environ.get(file)) is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
        except ssl.SSLError as exc:
            raise _trust_error(file, path, "holds no certificates") from exc
        except OSError as exc:
            raise _trust_error(file, path, f"cannot be read: {exc.strerror}") from exc
    if (path := os.environ.get(folders)) is not None and not any(
        Path(folder).is_dir() for folder in path.split(os.pathsep) if folder
    ):
        raise _trust_error(folders, path, "is not a folder")


def _trust_error(variable: str, path: str, what: str) -> ServiceError:
    hint = "name a file or folder of certificates (PEM), or unset the variable"
    return ServiceError(f"{variable}: {path or 'it'} {what}", hint=hint)
