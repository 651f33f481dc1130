"""The suite for databases finds what is wrong with an exporter, and only that.

The right exporter is the one that `gcbatch exporters new` writes; in the others, a line
of it is changed.
"""

import re
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from unittest import SkipTest

import pytest

from gcbatch.exporting import Receipt, Target
from gcbatch.table import Table
from gcbatch.testing import (
    DatabaseConformance,
    Row,
    sample_of_orgs,
    sample_table,
)
from gcbatch.windows import iso
from tests.support.new_packages import import_new

RULES = sorted(name for name in dir(DatabaseConformance) if name.startswith("test_"))
OWNERS = "does not know whose rows are whose"


def suite_for(made: Any) -> Any:
    class Suite(DatabaseConformance):
        exporter = made
        has_owners: ClassVar[bool] = False

        def options(self, folder: Path) -> dict[str, Any]:
            return {"path": folder / "history.db", "wait_s": 10}

        def read_table(self, folder: Path, name: str) -> list[Row]:
            with closing(sqlite3.connect(folder / "history.db")) as db:
                db.row_factory = sqlite3.Row
                return [dict(row) for row in db.execute(f'SELECT * FROM "{name}"')]  # noqa: S608

        def as_read(self, value: Any) -> Any:
            if isinstance(value, datetime):
                return iso(value)
            return int(value) if isinstance(value, bool) else value

    return Suite()


def outcome(suite: Any, rule: str, folder: Path) -> str:
    """Return what a rule says of an exporter; empty if it keeps it."""
    folder.mkdir()
    test = getattr(suite, rule)
    try:
        test(*[] if rule == "test_follows_the_contract" else [folder])
    except SkipTest as exc:
        return f"skipped: {exc}"
    except Exception as exc:  # noqa: BLE001 - a broken exporter may raise anything
        return str(exc)
    return ""


def test_a_right_exporter_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules about what it does not have are skipped."""
    exporter = import_new("right", "database", tmp_path / "package", monkeypatch)
    suite = suite_for(exporter)

    found = {rule: outcome(suite, rule, tmp_path / rule) for rule in RULES}

    assert {rule: text for rule, text in found.items() if text} == {
        "test_holds_what_it_wrote": "skipped: has no method holds",
        "test_refuses_the_rows_of_another_job": f"skipped: {OWNERS}",
    }


DELETE = "        db.execute(f'DELETE FROM \"{table.name}\" WHERE {where}', values)"
WHERE = 'where += f\' AND "{table.time}" >= ? AND "{table.time}" < ?\''
OF_ORG = "        where, values = _of_org(table, org)\n        if not"
BY_RANGE = "in [('', table.covered)]:\n"
OF_ALL = OF_ORG.replace("_of_org(table, org)", "'TRUE', ()")
IF_ROWS = "        if next(_rows_of(table), None):\n    "
KEPT = "for batch in table.covered_rows():"

WRONG = [
    pytest.param(
        ("loading.py", DELETE, "        pass"),
        "replaces_only_the_range",
        "intervals: rows: 74, expected 50",
        id="appends",
    ),
    pytest.param(
        ("loading.py", DELETE, DELETE.replace(" WHERE {where}', values", "'")),
        "replaces_only_the_range",
        "intervals: rows: 24, expected 50",
        id="deletes all",
    ),
    pytest.param(
        ("loading.py", DELETE, IF_ROWS + DELETE),
        "removes_rows_that_the_service_took_back",
        "intervals: rows: 50, expected 26",
        id="deletes nothing for an empty table",
    ),
    pytest.param(
        ("loading.py", KEPT, "for batch in table:"),
        "keeps_what_lies_in_a_gap",
        "intervals: rows: 74, expected 50",
        id="loads half-fetched rows",
    ),
    pytest.param(
        ("loading.py", "in table.covered.spans:\n" + OF_ORG, BY_RANGE + OF_ALL),
        "keeps_the_history_of_a_failed_org",
        "intervals: rows: 30, expected 80",
        id="deletes by range",
    ),
    pytest.param(
        ("loading.py", "if not table.is_timeless:", "if table.time is not None:"),
        "replaces_a_table_without_time_by_org",
        "intervals: rows: 120, expected 70",
        id="replaces totals by range",
    ),
    pytest.param(
        ("loading.py", "if not table.is_timeless:", "if table.time is not None:"),
        "keeps_the_history_of_records",
        "intervals: rows: 24, expected 50",
        id="replaces all records",
    ),
    pytest.param(
        ("loading.py", 'if ("org" in found) != ("org" in wanted):', "if False:"),
        "keeps_one_org_and_several_apart",
        "export: takes rows of other orgs",
        id="mixes orgs",
    ),
    pytest.param(
        ("loading.py", "for edge in (iso(window.start), iso(window.end)):",
         "for edge in (iso(window.start),):"),
        "refuses_to_cut_a_row",
        "export: takes a range of the minutes (15, 20)",
        id="cuts at the end",
    ),
    pytest.param(
        ("loading.py", "if found.get(name, kind) != kind:", "if False:"),
        "refuses_another_type",
        "export: takes a change of type: int64 to double",
        id="mixes types",
    ),
    pytest.param(
        ("loading.py", 'raise JobError(msg, hint="name another database, or',
         'raise TypeError(msg, "name another database, or'),
        "refuses_another_type",
        "a change of type: int64 to double: a bare error: TypeError: ",
        id="bare exception",
    ),
    pytest.param(
        ("loading.py", "ALTER TABLE", "ALTR TABLE"),
        "adds_a_new_column",
        'near "ALTR": syntax error',
        id="adds no column",
    ),
    pytest.param(
        ("loading.py", "({names}) VALUES", "VALUES"),
        "keeps_a_column_that_is_gone",
        "has 11 columns but 10 values",
        id="inserts by place",
    ),
    pytest.param(
        ("exporter.py", "for table in tables.values())\n        return",
         "for table in list(tables.values())[:1])\n        return"),
        "takes_several_tables",
        "no such table: sla",
        id="loads the first table",
    ),
    pytest.param(
        ("exporter.py", '{self._options.path}: {name}"', '{self._options.path}"'),
        "takes_several_tables",
        "destinations [",
        id="one destination",
    ),
    pytest.param(
        ("exporter.py", 'db.execute("BEGIN IMMEDIATE")', "pass"),
        "loads_all_tables_or_none",
        "intervals: 2026-10-01T00:00:00.000Z, ",
        id="commits each statement",
    ),
    pytest.param(
        ("exporter.py", 'db.execute("BEGIN IMMEDIATE")', "pass"),
        "survives_a_kill_in_mid_load",
        "intervals: rows: 500, expected 50",
        id="commits what it has when killed",
    ),
    pytest.param(
        ("loading.py", KEPT, "for batch in [next(iter(table))]:"),
        "survives_a_kill_in_mid_load",
        "the killed export ended with 0: ",
        id="is done before it can be killed",
    ),
    pytest.param(
        ("loading.py", "CREATE TABLE IF NOT EXISTS", "CREATE TABLE"),
        "goes_on_after_a_table_that_broke",
        "",
        id="right",
    ),
    pytest.param(
        ("verifying.py", "compare_days(table, _stored(db, table))", "()"),
        "verifies_what_it_wrote",
        "mismatches of changed rows: [], expected [",
        id="finds nothing",
    ),
    pytest.param(
        ("verifying.py", "in replaced(table):", "in [('TRUE', ())]:"),
        "verifies_what_it_wrote",
        "mismatches of a narrower range: [",
        id="verifies what is not covered",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "rule", "message"), WRONG)
def test_a_wrong_exporter_gets_an_error_with_the_reason(  # noqa: PLR0917 - fixtures
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    change: tuple[str, str, str],
    rule: str,
    message: str,
) -> None:
    """Each rule fails where it is broken, and says so in one line."""
    number = request.node.callspec.indices["change"]
    folder = tmp_path / "package"
    exporter = import_new(f"wrong-{number}", "database", folder, monkeypatch, change)

    said = outcome(suite_for(exporter), f"test_{rule}", tmp_path / "run")

    assert message in said
    assert bool(message) == bool(said)


def test_another_jobs_rows_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rule fails for an exporter that does not know whose rows are whose."""
    suite = suite_for(import_new("owners", "database", tmp_path / "p", monkeypatch))
    suite.has_owners = True

    said = outcome(suite, "test_refuses_the_rows_of_another_job", tmp_path / "run")

    assert said == "export: takes another job's table"


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ("self.last == target.fingerprint", ""),
        ("True", "holds, before anything is there: Receipt("),
        ("False", "holds: None, expected Receipt("),
        ("self.last", "holds, of other rows: Receipt("),
    ],
)
def test_what_is_held_is_the_last_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: str, message: str
) -> None:
    """An exporter says so by the fingerprint, never by the rows alone."""
    made = import_new(
        f"held-{len(held)}", "database", tmp_path / "package", monkeypatch
    )

    class Holds(made):  # type: ignore[misc, valid-type]
        loads: ClassVar[dict[Path, tuple[str, Receipt]]] = {}

        @property
        def last(self) -> str:
            return self.loads.get(self._options.path, ("", None))[0]

        def export(self, tables: Any, target: Target) -> Receipt:
            receipt: Receipt = super().export(tables, target)
            self.loads[self._options.path] = target.fingerprint, receipt
            return receipt

        def holds(self, tables: Any, target: Target) -> Receipt | None:
            del tables
            is_held = eval(held, {"self": self, "target": target})  # noqa: S307
            none = Receipt("nowhere", 0)
            found: Receipt = self.loads.get(self._options.path, ("", none))[1]
            return found if is_held else None

    said = outcome(suite_for(Holds), "test_holds_what_it_wrote", tmp_path / "run")

    assert said.startswith(message)
    assert bool(message) == bool(said)


@pytest.mark.parametrize(
    ("flag", "rule"),
    [
        ("takes_several", "takes_several_tables"),
        ("takes_several", "loads_all_tables_or_none"),
        ("loads_together", "loads_all_tables_or_none"),
    ],
)
def test_flags_leave_rules_out(tmp_path: Path, flag: str, rule: str) -> None:
    """What an exporter does not promise is skipped, and said to be."""
    suite = suite_for(object)
    setattr(suite, flag, False)

    assert outcome(suite, f"test_{rule}", tmp_path / "run").startswith("skipped: ")


def test_an_exporter_that_adds_no_column_has_to_refuse_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rule then asks for the refusal."""
    suite = suite_for(import_new("adds", "database", tmp_path / "p", monkeypatch))
    suite.adds_columns = False

    said = outcome(suite, "test_adds_a_new_column", tmp_path / "run")

    assert said == "export: takes a new column"


def test_a_suite_says_how_to_read(tmp_path: Path) -> None:
    """That is its author's to give."""
    with pytest.raises(NotImplementedError):
        DatabaseConformance().read(tmp_path)


def test_samples_of_orgs_are_right_tables() -> None:
    """The column org is first, also of the key, and each org has its spans."""
    table = sample_of_orgs({"b": sample_table(3), "a": sample_table(2)})

    assert table.key == ("org", "interval_start", "queue_id")
    assert table.read_all()["org"].to_pylist() == ["a", "a", "b", "b", "b"]
    assert re.match(r"org: string not null", str(table.schema))
    assert list(table.covered.by_org) == ["a", "b"]
    assert isinstance(table, Table)
