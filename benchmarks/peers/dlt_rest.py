"""dlt's rest_api source: flat tables in Parquet, in a folder.

Nested values stay one column of JSON (`max_table_nesting` 0), which is the least work
for dlt. The pages of a query follow one another; days are asked for side by side.
"""

from collections.abc import Iterator
from typing import Any, Final

import dlt
from dlt.common.configuration import configspec
from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials
from dlt.sources.rest_api import rest_api_resources

from benchmarks.peers.asked import Asked
from benchmarks.peers.flat import rows_of

SIDE_BY_SIDE: Final = 10


@configspec
class Login(OAuth2ClientCredentials):
    """Signs in with the client's credentials in a header."""

    def build_access_token_request(self) -> dict[str, Any]:
        """Return the arguments of the request for a token."""
        return {
            "auth": (self.client_id, self.client_secret),
            "data": {"grant_type": "client_credentials"},
        }


def conversations(asked: Asked) -> dict[str, Any]:
    """Return the resource that pages through conversations."""
    return {
        "name": "conversations",
        "max_table_nesting": 0,
        "endpoint": {
            "method": "POST",
            "path": asked.endpoint,
            "json": asked.details_query(1),
            "data_selector": "conversations",
            "paginator": {
                "type": "page_number",
                "base_page": 1,
                "page_body_path": "paging.pageNumber",
                "total_path": None,
            },
        },
    }


def buckets(asked: Asked) -> dict[str, Any]:
    """Return the resource that asks for each day."""
    return {
        "name": "buckets",
        "max_table_nesting": 0,
        "parallelized": True,
        "processing_steps": [{"yield_map": rows_of}],
        "endpoint": {
            "method": "POST",
            "path": asked.endpoint,
            "json": asked.aggregates_query("{resources.days.interval}"),
            "data_selector": "$",
            "paginator": "single_page",
        },
    }


def main() -> None:
    """Fetch what the command line says."""
    asked = Asked.here()
    dlt.config["extract.workers"] = SIDE_BY_SIDE
    dlt.config["runtime.dlthub_telemetry"] = False

    @dlt.resource(selected=False)
    def days() -> Iterator[list[dict[str, str]]]:
        yield [{"interval": interval} for interval in asked.days]

    is_details = asked.work == "details"
    config: Any = {
        "client": {
            "base_url": asked.url,
            "auth": Login(
                access_token_url=f"{asked.url}/oauth/token",
                client_id=asked.client_id,
                client_secret=asked.secret,
            ),
        },
        "resources": [conversations(asked)] if is_details else [days, buckets(asked)],
    }
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(asked.path.with_name("work")),
        destination=dlt.destinations.filesystem(str(asked.path)),
        dataset_name="bench",
    )
    pipeline.run(rest_api_resources(config), loader_file_format="parquet")


if __name__ == "__main__":
    main()
