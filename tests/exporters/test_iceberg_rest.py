"""Loads by a REST catalog: also a commit whose answer is lost lands once."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gcbatch.errors import OutputError
from gcbatch.exporting import Receipt
from gcbatch_exporters.lakes import exporter as lake_exporter
from tests.support.iceberg_files import Iceberg
from tests.support.iceberg_server import TOKEN, Fault, RestServer, opened_server
from tests.support.lake_tables import hours, while_reading
from tests.support.lakes import IcebergLake

TODAY = hours(0, 24)


@dataclass(frozen=True)
class RestLake(IcebergLake):
    """An Iceberg table of a REST catalog.

    Args:
        server: The server.
        token: What the job has.
    """

    server: RestServer
    token: str = TOKEN

    @property
    def options(self) -> dict[str, Any]:
        catalog = {"type": "rest", "uri": self.server.uri, "token": self.token}
        return {"catalog": catalog, "namespace": "genesys", "name": self.table_name}

    @property
    def content(self) -> Iceberg:
        found = Iceberg.of(
            self.server.folder / "catalog.db", "genesys", self.table_name
        )
        assert found is not None
        return found


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RestLake]:
    monkeypatch.setattr(lake_exporter, "PAUSE_S", 0)
    with opened_server(tmp_path) as server:
        yield RestLake(tmp_path, server)


def test_loads_are_exact(lake: RestLake) -> None:
    """A second load replaces its span; the same load again is recognised."""
    lake.check(TODAY)
    lake.load(hours(0, 48))

    lake.load(hours(0, 24, offered=2), fingerprint="f1")

    assert lake.offered() == {1: 48, 2: 48}
    place = lake.server.uri.removeprefix("http://")
    expected = Receipt(f"{place}: genesys.calls", 48)
    assert lake.held(hours(0, 24, offered=2), "f1") == expected
    assert lake.verified(hours(0, 24, offered=2)) == []


def test_a_conflict_is_repeated(lake: RestLake) -> None:
    """A commit of another load between is not lost, and its rows are replaced."""
    lake.load(TODAY)

    def overtake() -> None:
        lake.load(hours(12, 36, offered=2))

    lake.load(while_reading(hours(0, 24, offered=3), overtake))

    assert lake.offered() == Counter({3: 48, 2: 24})


@pytest.mark.parametrize("status", [409, 500, 502, 503, 504, 0])
def test_a_commit_whose_answer_is_lost_lands_once(lake: RestLake, status: int) -> None:
    """It is found in the table, and not done again; no file of it is removed."""
    lake.load(TODAY)
    lake.server.faults.append(Fault(status, lands=True))

    receipt = lake.load(hours(0, 24, offered=2))

    assert receipt.rows == 48
    assert lake.offered() == {2: 48}
    assert (len(lake.loads()), lake.server.commits) == (2, 2)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 0])
def test_a_commit_that_did_not_land_is_an_error(lake: RestLake, status: int) -> None:
    """It may land later, so no file is removed; the next run loads once."""
    lake.load(TODAY)
    lake.server.faults.append(Fault(status))

    with pytest.raises(OutputError, match="failed while it committed"):
        lake.load(hours(0, 24, offered=2))

    assert lake.offered() == {1: 48}
    lake.load(hours(0, 24, offered=2))
    assert lake.offered() == {2: 48}


def test_a_conflict_that_the_server_reports_is_tried_again(lake: RestLake) -> None:
    """After a look whether it was its own."""
    lake.load(TODAY)
    lake.server.faults += [Fault(409), Fault(409)]

    lake.load(hours(0, 24, offered=2))

    assert lake.offered() == {2: 48}
    assert lake.server.commits == 4


@pytest.mark.parametrize("status", [400, 403])
def test_a_refusal_leaves_nothing_behind(lake: RestLake, status: int) -> None:
    """The table is as it was, and the new data files are removed."""
    lake.load(TODAY)
    before = sorted(lake.path.rglob("*.parquet"))
    lake.server.faults.append(Fault(status))

    with pytest.raises(OutputError, match="refused the load"):
        lake.load(hours(0, 24, offered=2))

    assert lake.offered() == {1: 48}
    assert sorted(lake.path.rglob("*.parquet")) == before


def test_a_wrong_token_is_refused_without_being_shown(lake: RestLake) -> None:
    """The message names the catalog."""
    other = RestLake(lake.path, lake.server, token="wrong-secret")

    with pytest.raises(OutputError) as caught:
        other.load(TODAY)

    assert "127.0.0.1" in str(caught.value)
    assert "wrong-secret" not in str(caught.value)
