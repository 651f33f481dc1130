"""What the environment says of the network: proxies, and whom TLS trusts.

It is checked before the first request that needs it, so that a mistake in a variable is
an error about that variable, not a line that stays dead. Values are not repeated: a
proxy's address may hold a password.
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
"""Of proxies that aiohttp speaks to; SOCKS is none of them."""


def proxy_for(origin: str) -> str | None:
    """Return the address of the proxy for an origin, such as https://api.mypurecloud.ie.

    One without a scheme is http, as curl and others take it.

    Raises:
        ServiceError: If it is none that can be used; names the variable.
    """
    parts = urlsplit(origin)
    # What may go in the clear must not leave this machine, by no detour.
    if is_loopback(origin) or proxy_bypass(parts.hostname or ""):
        return None
    told = getproxies().get(parts.scheme, "").strip()
    if not told:
        return None
    address = told if "://" in told else f"http://{told}"
    scheme = address.partition("://")[0].lower()
    where = f"{_variable_of(parts.scheme)}: "
    hint = "write http://HOST:PORT; NO_PROXY exempts hosts"
    if scheme not in SCHEMES:
        known = scheme if scheme.isalnum() and scheme.isascii() else "of that kind"
        msg = f"{where}proxies {known} are not supported"
        raise ServiceError(msg, hint=hint)
    try:
        proxy = urlsplit(address)
        usable = bool(proxy.hostname) and proxy.port != 0
    except ValueError:  # a port that is no number
        usable = False
    if not usable:
        msg = f"{where}is no address of a proxy"
        raise ServiceError(msg, hint=f"{hint}; write @, / and # in a password as %40 …")
    return address


def _variable_of(scheme: str) -> str:
    """Return the name of what says which proxy to use."""
    names = (f"{scheme}_proxy", f"{scheme.upper()}_PROXY")
    return next((name for name in names if os.environ.get(name)), "the system's proxy")


def check_trust() -> None:
    """See that the variables about certificates name some.

    OpenSSL passes over a file that is not there, and then trusts nobody.

    Raises:
        ServiceError: If they do not; names the variable and the file.
    """
    paths = ssl.get_default_verify_paths()
    file, folders = paths.openssl_cafile_env, paths.openssl_capath_env
    if (told := os.environ.get(file)) is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=told)
        except ssl.SSLError as exc:
            raise _untrusting(file, told, "holds no certificates") from exc
        except OSError as exc:
            raise _untrusting(file, told, f"cannot be read: {exc.strerror}") from exc
    if (told := os.environ.get(folders)) is not None and not any(
        Path(folder).is_dir() for folder in told.split(os.pathsep) if folder
    ):
        raise _untrusting(folders, told, "is no folder")


def _untrusting(variable: str, path: str, what: str) -> ServiceError:
    hint = "name a file or folder of certificates (PEM), or unset the variable"
    return ServiceError(f"{variable}: {path or 'it'} {what}", hint=hint)
