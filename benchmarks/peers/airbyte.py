"""A declarative source on airbyte-cdk; its messages go to a file, a line each.

Slices are read ten at a time, and each day is a slice. Within a slice pages follow one
another. Aggregates need code in addition to the manifest, because a row is spread
over three levels of the answer.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import requests
from airbyte_cdk.entrypoint import launch
from airbyte_cdk.sources.declarative.concurrent_declarative_source import (
    ConcurrentDeclarativeSource,
)
from airbyte_cdk.sources.declarative.extractors.record_extractor import RecordExtractor

from benchmarks.peers.asked import PAGE, Asked
from benchmarks.peers.flat import rows_of

SIDE_BY_SIDE: Final = 10
STDOUT: Final = 1

PAGES: Final = {
    "type": "DefaultPaginator",
    "page_token_option": {
        "type": "RequestOption",
        "inject_into": "body_json",
        "field_path": ["paging", "pageNumber"],
    },
    "page_size_option": {
        "type": "RequestOption",
        "inject_into": "body_json",
        "field_path": ["paging", "pageSize"],
    },
    "pagination_strategy": {
        "type": "PageIncrement",
        "page_size": PAGE,
        "start_from_page": 1,
        "inject_on_first_request": True,
    },
}


@dataclass
class Buckets(RecordExtractor):
    """Finds the rows of aggregates in an answer."""

    def extract_records(self, response: requests.Response) -> Iterable[dict[str, Any]]:
        """Return the rows."""
        return rows_of(response.json())


def manifest(asked: Asked) -> dict[str, Any]:
    """Return the source of one stream, `rows`."""
    is_details = asked.work == "details"
    body = asked.details_query(1) if is_details else asked.aggregates_query("")
    body.pop("paging", None)
    body["interval"] = "{{ stream_partition.interval }}"
    return {
        "version": "7.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": ["rows"]},
        "concurrency_level": {
            "type": "ConcurrencyLevel",
            "default_concurrency": SIDE_BY_SIDE,
        },
        "streams": [
            {
                "type": "DeclarativeStream",
                "name": "rows",
                "schema_loader": {
                    "type": "InlineSchemaLoader",
                    "schema": {"type": "object", "additionalProperties": True},
                },
                "retriever": retriever(asked, body),
            }
        ],
        "spec": {
            "type": "Spec",
            "connection_specification": {"type": "object", "properties": {}},
        },
    }


def retriever(asked: Asked, body: dict[str, Any]) -> dict[str, Any]:
    """Return the part that requests the rows."""
    is_details = asked.work == "details"
    extractor = (
        {"type": "DpathExtractor", "field_path": ["conversations"]}
        if is_details
        else {
            "type": "CustomRecordExtractor",
            "class_name": "benchmarks.peers.airbyte.Buckets",
        }
    )
    return {
        "type": "SimpleRetriever",
        "requester": {
            "type": "HttpRequester",
            "url_base": asked.url,
            "path": asked.endpoint,
            "http_method": "POST",
            "request_body_json": body,
            "authenticator": {
                "type": "OAuthAuthenticator",
                "token_refresh_endpoint": f"{asked.url}/oauth/token",
                "grant_type": "client_credentials",
                "client_id": "{{ config['client_id'] }}",
                "client_secret": "{{ config['client_secret'] }}",
                "refresh_request_headers": {
                    "Authorization": asked.basic,
                    "Content-Type": "application/x-www-form-urlencoded",
                },
            },
        },
        "record_selector": {"type": "RecordSelector", "extractor": extractor},
        "paginator": PAGES if is_details else {"type": "NoPagination"},
        "partition_router": {
            "type": "ListPartitionRouter",
            "cursor_field": "interval",
            "values": asked.days,
        },
    }


def main() -> None:
    """Fetch what the command line says."""
    asked = Asked.here()
    stream = {
        "name": "rows",
        "json_schema": {"type": "object"},
        "supported_sync_modes": ["full_refresh"],
    }
    chosen = {
        "stream": stream,
        "sync_mode": "full_refresh",
        "destination_sync_mode": "overwrite",
    }
    config = {"client_id": asked.client_id, "client_secret": asked.secret}
    files = {"config": config, "catalog": {"streams": [chosen]}}
    arguments = ["read"]
    for name, content in files.items():
        path = asked.path.with_suffix(f".{name}.json")
        path.write_text(json.dumps(content), "utf-8")
        arguments += [f"--{name}", str(path)]
    source = ConcurrentDeclarativeSource(config=config, source_config=manifest(asked))
    with asked.path.open("wb") as file:
        os.dup2(file.fileno(), STDOUT)  # what the CDK prints goes past sys.stdout
    launch(source, arguments)


if __name__ == "__main__":
    main()
