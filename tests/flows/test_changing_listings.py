"""A listing that changes while it is read, or whose pages are wrong: right or loud."""

from typing import TYPE_CHECKING

import pytest

from gcbatch import DataError, GcbatchError
from gcbatch.simulator import Fault, Faults, sample_tenant
from tests.support.listed_org import DAY, exports, rows

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

KINDS = ("short_listing", "repeated_entity", "grown_listing", "shrunk_listing")
SKILLS = r"/routing/skills$"
TABLES = {"skills": SKILLS, "users": r"/api/v2/users$", "edges": r"/edges$"}


def workspace_with(workspace_of: "WorkspaceOf", *faults: Fault) -> "Workspace":
    return workspace_of(faults=Faults(*faults), default_page_size=2, max_page_size=2)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("kind", KINDS)
def test_one_change_does_not_matter(
    table: str, kind: str, workspace_of: "WorkspaceOf"
) -> None:
    """The listing is read again, and the table has what there is then."""
    fault = Fault(kind, path=TABLES[table], nth=(2,))  # type: ignore[arg-type]
    workspace = workspace_with(workspace_of, fault)

    workspace.run(query=DAY, exports=exports(workspace, table))

    sample = sample_tenant()
    before = (
        [user.id for user in sample.users]
        if table == "users"
        else [entity["id"] for entity in sample.entities[table]]
    )
    change = {"grown_listing": 1, "shrunk_listing": -1}.get(kind, 0)
    found = rows(workspace, table)
    ids = {row[f"{table.removesuffix('s')}_id"] for row in found}
    assert len(found) == len(ids) == len(before) + change
    assert len(ids & set(before)) == len(before) + min(change, 0)
    assert workspace.simulator.faults.triggered


@pytest.mark.parametrize("kind", KINDS[:2])
def test_pages_that_stay_wrong_end_the_run(
    kind: str, workspace_of: "WorkspaceOf"
) -> None:
    """It says how many entities came, and writes nothing."""
    fault = Fault(kind, path=SKILLS, times=None)  # type: ignore[arg-type]
    workspace = workspace_with(workspace_of, fault)

    with pytest.raises(DataError, match=r"table skills: .* of 8 came"):
        workspace.run(query=DAY, exports=exports(workspace, "skills"))

    assert not (workspace.folder / "skills.csv").exists()


def test_a_listing_without_rest_ends_the_run(workspace_of: "WorkspaceOf") -> None:
    """One that grows with each page is read three times, and then refused."""
    fault = Fault("grown_listing", path=SKILLS, times=None)
    workspace = workspace_with(workspace_of, fault)

    with pytest.raises(GcbatchError, match="table skills"):
        workspace.run(query=DAY, exports=exports(workspace, "skills"))

    assert not (workspace.folder / "skills.csv").exists()
