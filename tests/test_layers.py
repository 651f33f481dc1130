"""The house stands on its layers: imports go down, and few rooms have doors out."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = (
    ("__main__",),
    ("cli",),
    ("store_screens", "verifying"),
    ("pipeline", "loading", "screens", "sla_screens", "jobschema"),
    ("jobrun",),
    ("engines", "orgrun"),
    ("cluster.engine",),
    ("cluster.own", "cluster.switchboard", "cluster.work"),
    ("cluster.bench",),
    ("cluster.coordinator", "cluster.crew", "cluster.remote"),
    ("cluster.outcomes",),
    ("testing", "orgs", "kept", "planning", "logs", "progress", "report", "exporting",
     "housekeeping", "totals", "verification"),
    ("tables.catalog", "tables.orgs", "staging", "engine", "fetch", "together",
     "outputs", "digests"),
    ("tables.details", "tables.intervals", "tables.listed", "tables.sla"),
    ("listings", "tables.listed_fields"),
    ("tables.details_shapes",),
    ("tables.details_conversations", "tables.details_rows"),
    ("tables.details_raw", "tables.details_reading"),
    ("tables.details_attributes", "tables.details_columns", "tables.details_levels",
     "tables.details_repair", "tables.details_texts"),
    ("genesys.endpoints", "tables.merging", "tables.naming", "tables.table"),
    ("genesys.endpoints.aggregates", "genesys.endpoints.details",
     "genesys.endpoints.interval_report", "genesys.endpoints.queue_summary"),
    ("genesys.endpoints.aggregate_jobs", "genesys.endpoints.detail_asking",
     "genesys.endpoints.splitting"),
    ("genesys.endpoints.async_jobs", "genesys.endpoints.page_road"),
    ("genesys.endpoints.detail_errand",),
    ("genesys.endpoints.detail_tally",),
    ("genesys.endpoints.aggregate_columns",
     "genesys.endpoints.aggregate_pages", "genesys.endpoints.base",
     "genesys.endpoints.clocked", "genesys.endpoints.columns",
     "genesys.endpoints.detail_pages", "genesys.endpoints.paging", "genesys.names"),
    ("genesys.listing",),
    ("store", "genesys.client", "plan", "rows", "spool"),
    ("partfile",),
    ("genesys.patience", "genesys.signin"),
    ("genesys.connection",),
    ("genesys.answers", "genesys.auth", "genesys.quota", "genesys.retry",
     "genesys.transport", "jobfile"),
    ("genesys.budget",),
    ("job",),
    ("org", "question"),
    ("dates", "filters", "query", "sections", "yamlfile"),
    ("account", "tasks"),
    ("windows", "plain", "suggest", "surrogates", "files", "memory", "tables.scalars",
     "genesys.detail_models",
     "genesys.details", "genesys.families", "genesys.limits", "genesys.metrics",
     "genesys.regions", "genesys.room"),
    ("errors", "cluster.deaf"),
)  # fmt: skip
"""Top to bottom. A module imports from layers below its own, or beside it."""

HEIGHT = {name: -n for n, layer in enumerate(LAYERS) for name in layer}
EMPTY = {"cluster", "genesys", "tables"}
"""Packages that hold nothing of their own."""

MODULES = sorted((ROOT / "gcbatch").rglob("*.py"))
HOUSE = [p for p in MODULES if "simulator" not in p.parts]
SIMULATOR = [p for p in MODULES if "simulator" in p.parts]
EXPORTERS = sorted((ROOT / "exporters" / "gcbatch_exporters").rglob("*.py"))


def name_of(path: Path) -> str:
    """Return a module's name below the package, such as `genesys.client`."""
    relative = path.relative_to(ROOT / "gcbatch").with_suffix("")
    parts = [part for part in relative.parts if part != "__init__"]
    return ".".join(parts)


def place_of(path: Path) -> str:
    """Return a file's place in the repository."""
    return path.relative_to(ROOT).as_posix()


def imported(path: Path) -> Iterator[str]:
    """Yield the full names of the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                is_module = any(
                    (ROOT / inner.replace(".", "/")).with_suffix(s).exists()
                    for s in (".py", "")
                )
                yield inner if is_module else module


def own(path: Path) -> set[str]:
    """Return which modules of the package a file imports, below its name."""
    return {
        name.removeprefix("gcbatch.")
        for name in imported(path)
        if name.startswith("gcbatch.")
    }


@pytest.mark.parametrize("path", HOUSE, ids=name_of)
def test_every_module_has_its_layer(path: Path) -> None:
    """A new module is given a place, so that its imports can be judged."""
    assert name_of(path) in HEIGHT.keys() | EMPTY | {""}


@pytest.mark.parametrize("path", HOUSE, ids=name_of)
def test_imports_go_down(path: Path) -> None:
    """No module knows of one above it; the package's own front door lies above all."""
    name = name_of(path)
    if not name:
        return
    own_height = HEIGHT.get(name, -len(LAYERS))
    up = {m for m in own(path) if HEIGHT.get(m, own_height) > own_height}

    assert not up


def test_there_is_no_way_round() -> None:
    """Modules beside each other import one another in one direction only."""
    graph = {name_of(p): own(p) & HEIGHT.keys() for p in HOUSE if name_of(p)}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"a circle: {' -> '.join((*way, name))}"
        if name not in done:
            for other in graph.get(name, ()):
                visit(other, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("path", SIMULATOR, ids=name_of)
def test_the_simulator_knows_the_services_words_only(path: Path) -> None:
    """It shares no code with what it tests, but for the names of metrics."""
    house = {m for m in own(path) if not m.startswith("simulator")}

    assert house <= {"genesys.families"}


def test_few_know_the_simulator() -> None:
    """Real jobs never load it."""
    users = {
        name_of(p) for p in HOUSE if any(m.split(".")[0] == "simulator" for m in own(p))
    }

    assert users <= {"cli", "orgs"}


@pytest.mark.parametrize("path", EXPORTERS, ids=place_of)
def test_exporters_come_through_the_same_door_as_anyones(path: Path) -> None:
    """They know the contract, tables, windows and errors; nothing of the service."""
    assert own(path) <= {"exporting", "errors", "tables.table", "windows"}


@pytest.mark.parametrize("path", HOUSE, ids=name_of)
def test_fetching_and_exporting_meet_in_the_store(path: Path) -> None:
    """What fetches knows no table, and what makes tables knows no HTTP."""
    name, known = name_of(path), own(path)
    if name.startswith(("genesys", "fetch", "store", "plan")):
        assert not {
            m for m in known if m.startswith(("tables", "exporting", "staging"))
        }
    if (
        name.startswith(("exporting", "staging", "tables."))
        and name != "tables.catalog"
    ):
        assert not {m for m in known if m.startswith(("genesys.client", "fetch"))}


def names_called(path: Path) -> set[str]:
    """Return what a file calls, as it is written there."""
    return {
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
    }


@pytest.mark.parametrize("path", [*MODULES, *EXPORTERS], ids=place_of)
def test_only_the_command_line_prints_and_exits(path: Path) -> None:
    """Everything else raises, returns or logs."""
    if path == ROOT / "gcbatch" / "cli.py":
        return
    loud = {"print", "typer.echo", "sys.exit", "exit", "input", "os._exit"}

    assert not names_called(path) & loud


@pytest.mark.parametrize("path", HOUSE, ids=name_of)
def test_nothing_blocks_or_guesses_in_what_is_pure(path: Path) -> None:
    """Plans, dates and windows get their time and chance as arguments."""
    if name_of(path) not in {"windows", "dates", "plan", "query", "filters", "job",
                             "jobfile", "genesys.retry", "genesys.quota",
                             "genesys.auth", "suggest"}:  # fmt: skip
        return
    guesses = {"datetime.now", "time.time", "time.monotonic", "time.sleep",
               "random.random", "random.uniform", "os.environ.get"}  # fmt: skip

    assert not names_called(path) & guesses
    assert not {"time", "random", "os"} & set(imported(path))
