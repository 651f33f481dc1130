"""A Singer tap on singer-sdk; its messages go to a file, a line each.

The SDK asks for one page at a time.
"""

import contextlib
from collections.abc import Iterable
from typing import Any, Final

import requests
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import OAuthAuthenticator
from singer_sdk.pagination import PageNumberPaginator, SinglePagePaginator

from benchmarks.peers.asked import Asked
from benchmarks.peers.flat import FIGURES, KEYS, rows_of

CONVERSATION: Final = th.PropertiesList(
    th.Property("conversationId", th.StringType, required=True),
    th.Property("conversationStart", th.DateTimeType),
    th.Property("conversationEnd", th.DateTimeType),
    th.Property("mediaStatsMinConversationMos", th.NumberType),
    th.Property("mediaStatsMinConversationRFactor", th.NumberType),
    th.Property("originatingDirection", th.StringType),
    th.Property("divisionIds", th.ArrayType(th.StringType)),
    th.Property("participants", th.ArrayType(th.AnyType)),
).to_dict()

BUCKET: Final = th.PropertiesList(
    *(th.Property(key, th.StringType, required=True) for key in KEYS),
    *(
        th.Property(column, th.NumberType)
        for columns in FIGURES.values()
        for column in columns.values()
    ),
).to_dict()


class Login(OAuthAuthenticator):
    """Signs in with the client's credentials in a header."""

    @property
    def oauth_request_body(self) -> dict[str, str]:
        """The form of the request for a token."""
        return {"grant_type": "client_credentials"}


class Analytics(RESTStream[Any]):
    """What both queries have in common."""

    http_method = "POST"
    payload_as_json = True

    def __init__(self, tap: "Genesys") -> None:
        self.asked = tap.asked
        self.login = tap.login
        super().__init__(tap, path=f"/{tap.asked.endpoint}")

    @property
    def url_base(self) -> str:
        """Where the service is."""
        return self.asked.url

    @property
    def authenticator(self) -> Login:
        """One login for all requests."""
        return self.login


class Conversations(Analytics):
    """Conversations as the service sends them, page by page."""

    name = "conversations"
    primary_keys = ("conversationId",)
    schema = CONVERSATION

    def get_new_paginator(self) -> PageNumberPaginator:
        """Ask for one page after the other until one is empty."""
        return PageNumberPaginator(1)

    def prepare_request_payload(
        self,
        context: Any,  # noqa: ARG002 - the SDK's signature
        next_page_token: int | None,
    ) -> dict[str, Any]:
        """Ask for a page."""
        return self.asked.details_query(next_page_token or 1)

    def parse_response(self, response: requests.Response) -> Iterable[dict[str, Any]]:
        """Return the conversations of a page."""
        found: list[dict[str, Any]] = response.json().get("conversations", [])
        return found


class Buckets(Analytics):
    """Rows of aggregates; each day is a partition."""

    name = "buckets"
    primary_keys = KEYS
    schema = BUCKET

    @property
    def partitions(self) -> list[dict[str, str]]:
        """The days."""
        return [{"interval": interval} for interval in self.asked.days]

    def get_new_paginator(self) -> SinglePagePaginator:
        """Ask once for each day."""
        return SinglePagePaginator()

    def prepare_request_payload(
        self,
        context: Any,
        next_page_token: None,  # noqa: ARG002 - the SDK's signature
    ) -> dict[str, Any]:
        """Ask for a day."""
        return self.asked.aggregates_query(context["interval"])

    def parse_response(self, response: requests.Response) -> Iterable[dict[str, Any]]:
        """Return the rows of a day."""
        return rows_of(response.json())


class Genesys(Tap):
    """A tap of the one stream that is asked for."""

    name = "tap-genesys"
    config_jsonschema = th.PropertiesList().to_dict()

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.login = Login(
            auth_endpoint=f"{asked.url}/oauth/token",
            oauth_headers={"Authorization": asked.basic},
        )
        super().__init__(config={})

    def discover_streams(self) -> list[Analytics]:
        """Return the stream."""
        stream = Conversations if self.asked.work == "details" else Buckets
        return [stream(self)]


def main() -> None:
    """Fetch what the command line says."""
    asked = Asked.here()
    with asked.path.open("w") as file, contextlib.redirect_stdout(file):
        Genesys(asked).sync_all()


if __name__ == "__main__":
    main()
