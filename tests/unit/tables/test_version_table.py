"""Tables of versions of entities that belong to a parent, such as members of queues."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from gcbatch.genesys.entities import entity_kind
from gcbatch.planning.plan import Plan
from gcbatch.store.entity_files import ListedEntities
from gcbatch.store.entity_history import same_but, write_versions
from gcbatch.store.store import Store
from gcbatch.tables.version_table import VersionTable
from gcbatch.windows import Window
from tests.support.table_sources import source_of

FIRST = datetime(2026, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_member_has_versions_in_each_queue(tmp_path: Path) -> None:
    """The key is queue, user and start; the name of the queue is its present one."""
    store = Store(tmp_path, "job")
    ann = b'{"id":"u","name":"Ann","ringNumber":1}'
    for day, documents in enumerate(
        (
            {"q1/u": ann, "q2/u": ann},
            {"q1/u": ann.replace(b"1}", b"2}"), "q2/u": ann},
            {"q2/u": ann},
        )
    ):
        listed = ListedEntities(documents, FIRST + day * DAY)
        write_versions(store, "queue_members", listed, same_but(()))
    plan = Plan(Window(FIRST, FIRST + DAY), ())
    source = source_of(plan, store, names={"queueId": {"q1": "One"}})

    table = VersionTable(entity_kind("queue_members"))(source)

    assert table.key == ("queue_id", "user_id", "valid_from")
    found = [
        tuple(
            row[name] for name in (*table.key, "valid_to", "queue_name", "ring_number")
        )
        for row in table.read_all().to_pylist()
    ]
    assert found == [
        ("q1", "u", FIRST, FIRST + DAY, "One", 1),
        ("q1", "u", FIRST + DAY, FIRST + 2 * DAY, "One", 2),
        ("q2", "u", FIRST, None, "q2", 1),
    ]
