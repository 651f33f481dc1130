"""What the environment says of proxies and certificates, and what is wrong with it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gcbatch.errors import ServiceError
from gcbatch.genesys.client.network import check_trust, proxy_for
from gcbatch.genesys.client.transport import ConnectError, ReadError, open_transport

ORIGIN = "https://api.mypurecloud.ie"
PASSWORD = "p4ss-word"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


async def send(url: str) -> Any:
    async with open_transport(
        timeout_s=20, connections=1, max_response_bytes=1_000
    ) as transport:
        return await transport.send("GET", url, headers={})


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        ("proxy:3128", "http://proxy:3128"),
        ("user:pw@proxy:3128", "http://user:pw@proxy:3128"),
        ("HTTP://proxy:3128", "HTTP://proxy:3128"),
        ("https://proxy", "https://proxy"),
        ("[::1]:3128", "http://[::1]:3128"),
        ("  ", None),
    ],
)
def test_a_proxy_without_scheme_is_http(
    monkeypatch: pytest.MonkeyPatch, reported: str, expected: str | None
) -> None:
    """As curl and others take it."""
    monkeypatch.setenv("HTTPS_PROXY", reported)

    assert proxy_for(ORIGIN) == expected


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
@pytest.mark.parametrize(
    "address",
    [
        f"socks5://me:{PASSWORD}@proxy:1080",
        f"\x1b[31m://me:{PASSWORD}@proxy",
        f"http://me:{PASSWORD}@",
        f"http://me:{PASSWORD}@proxy:port",
        f"http://me:{PASSWORD}#@proxy:3128",
        f"me:{PASSWORD}@proxy:99999",
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, address: str
) -> None:
    """Before anything is sent; its password is not repeated."""
    monkeypatch.setenv(name, address)

    with pytest.raises(ServiceError) as failed:
        asyncio.run(send(f"{ORIGIN}/"))

    error = failed.value
    assert error.problem.startswith(f"{name}: ")
    assert error.exit_code == 4
    assert PASSWORD not in f"{error!r} {error.hint}"
    assert ("socks5" in error.problem) == address.startswith("socks5")


def test_a_proxys_password_is_in_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also not in causes, or what they know: a proxy that refuses it, none at all."""
    asked: list[bytes] = []

    async def refuse(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async def work() -> None:
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"me:{PASSWORD}@127.0.0.1:{port}")
        with pytest.raises(ConnectError, match="the proxy answers 407") as refused:
            await send(f"{ORIGIN}/")
        server.close()
        await server.wait_closed()
        with pytest.raises(ConnectError) as absent:
            await send(f"{ORIGIN}/")
        for found in (refused, absent):
            assert found.value.__cause__ is None
            assert found.value.__context__ is None

    asyncio.run(work())

    assert b"Proxy-Authorization: Basic" in asked[0]


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
@pytest.mark.parametrize("made", ["absent", "empty", "other"])
def test_certificates_that_are_not_there_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, made: str
) -> None:
    """OpenSSL ignores them, and trusts no certificate."""
    path = tmp_path / "company-ca.pem"
    if made == "other":
        path.write_text("no certificate")
    monkeypatch.setenv(variable, "" if made == "empty" else str(path))

    with pytest.raises(ServiceError) as failed:
        asyncio.run(send(f"{ORIGIN}/"))

    assert failed.value.problem.startswith(f"{variable}: ")
    assert made == "empty" or str(path) in failed.value.problem
    assert failed.value.exit_code == 4


def test_certificates_that_are_there_are_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A folder is enough, among others that are not there."""
    monkeypatch.setenv("SSL_CERT_DIR", f"/not/there:{tmp_path}")

    check_trust()


def test_plain_http_needs_no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulator is asked whatever the variables say."""
    monkeypatch.setenv("SSL_CERT_FILE", "/not/there")

    with pytest.raises(ConnectError):
        asyncio.run(send("http://127.0.0.1:1/"))


def test_a_damaged_header_is_not_quoted() -> None:
    """What aiohttp says of it holds the bytes that came: it is no cause of ours."""

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX-Echo: the-token\x00\r\n\r\n")
        await writer.drain()
        writer.close()

    async def work() -> ReadError:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(ReadError) as lost:
                await send(f"http://127.0.0.1:{port}/")
        return lost.value

    lost = asyncio.run(work())

    assert str(lost) == "connection lost"
    assert (lost.__cause__, lost.__context__) == (None, None)
