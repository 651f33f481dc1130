"""A run whose store and output are in a container of a real server of Azure's."""

from typing import Any

from gcbatch.verifying import verify_org
from tests.conftest import Workspace
from tests.support.azure_server import ACCOUNT, KEY, AzureContainer


def test_a_run_is_that_on_disk(workspace: Workspace, azure: AzureContainer) -> None:
    """Byte for byte; it goes on where it was, and no store is on this disk."""
    export = {"exporter": "csv", "table": "intervals"}
    on_disk = workspace.folder / "there.csv"
    workspace.run("there", exports=[{**export, "path": str(on_disk)}])
    workspace.environ["AZURE_KEY"] = KEY
    sections: dict[str, Any] = {
        "storage": {
            "az": {
                "account": ACCOUNT,
                "endpoint": azure.server.endpoint,
                "account_key": "${AZURE_KEY}",
            }
        },
        "fetch": {"store": f"{azure.url}/runs/store"},
        "exports": [{**export, "path": f"{azure.url}/runs/out.csv"}],
    }

    first = workspace.run("here", **sections)
    again = workspace.run("here", **sections)

    assert azure.read("runs/out.csv") == on_disk.read_bytes()
    assert (first.fetched, again.fetched) == (7, 0)
    assert first.object_requests > again.object_requests > 0
    assert len([key for key in azure.keys() if key.endswith(".parquet")]) == 7  # noqa: SIM118 - a method
    assert not list(workspace.folder.rglob("here/*"))
    assert verify_org(workspace.job("here", **sections)).is_good
