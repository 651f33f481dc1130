"""The house stands on its layers: imports go down, and few rooms have doors out."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]

LAYERS = (
    ("__main__",),
    ("cli",),
    ("cli.after", "cli.before", "cli.border", "cli.running", "cli.simulating",
     "cli.store", "cli.streams", "cli.writing"),
    ("cli.jobs",),
    ("cli.options", "cli.printing"),
    ("store_screens", "verifying"),
    ("pipeline", "loading", "screens", "sla_screens", "jobschema",
     "jobreference"),
    ("jobrun",),
    ("earlier", "engines", "orgrun"),
    ("cluster.engine",),
    ("cluster.own", "cluster.switchboard", "cluster.work"),
    ("cluster.bench",),
    ("cluster.coordinator", "cluster.crew", "cluster.remote"),
    ("cluster.outcomes",),
    ("testing", "orgs", "kept", "planning", "logs", "progress", "report", "exporting",
     "housekeeping", "totals", "verification"),
    ("tables.catalog", "tables.orgs", "staging", "engine", "fetch", "together",
     "outputs", "digests"),
    ("tables.buckets.*", "tables.conversations.*", "tables.users.*", "tables.listed.*"),
    ("tables.documents.table", "tables.documents.users", "tables.listed_rows"),
    ("tables.source",),
    ("listings", "tables.latest", "tables.listed_fields"),
    ("tables.documents.shapes",),
    ("tables.documents.conversations", "tables.documents.rows"),
    ("tables.documents.raw", "tables.documents.reading"),
    ("tables.documents.columns", "tables.documents.levels", "tables.documents.repair",
     "tables.documents.texts"),
    ("genesys.endpoints", "tables.merging", "tables.naming", "tables.table"),
    ("genesys.endpoints.aggregates.endpoint", "genesys.endpoints.details.endpoint",
     "genesys.endpoints.fixed.*"),
    ("genesys.endpoints.aggregates.jobs", "genesys.endpoints.details.asking",
     "genesys.endpoints.splitting"),
    ("genesys.endpoints.async_jobs", "genesys.endpoints.details.page_road"),
    ("genesys.endpoints.details.errand",),
    ("genesys.endpoints.details.tally",),
    ("genesys.endpoints.aggregates.columns", "genesys.endpoints.aggregates.pages",
     "genesys.endpoints.aggregates.typed",
     "genesys.endpoints.aggregates.shapes",
     "genesys.endpoints.base", "genesys.endpoints.clocked",
     "genesys.endpoints.columns", "genesys.endpoints.details.pages",
     "genesys.endpoints.known", "genesys.endpoints.paging",
     "genesys.endpoints.row_pages", "genesys.names"),
    ("genesys.listing",),
    ("store", "genesys.client", "plan", "rows", "spool"),
    ("partfile",),
    ("genesys.patience", "genesys.signin"),
    ("genesys.connection",),
    ("genesys.repeating.*",),
    ("genesys.repeating",),
    ("genesys.answers", "genesys.auth", "genesys.quota", "genesys.retry",
     "genesys.transport", "jobfile"),
    ("genesys.budget", "genesys.clock", "genesys.network"),
    ("job",),
    ("org", "question"),
    ("dates", "filters", "query", "sections", "yamlfile"),
    ("account", "tasks"),
    ("drafts", "genesys.bodies", "grids"),
    ("windows", "pending", "shelves", "suggest", "surrogates", "docstrings",
     "files", "locks", "memory",
     "tables.scalars", "genesys.detail_models", "genesys.detail_values",
     "genesys.details", "genesys.families", "genesys.limits", "genesys.metrics",
     "genesys.redaction", "genesys.regions", "genesys.room", "genesys.tutorials"),
    ("errors", "plain", "cluster.deaf"),
)  # fmt: skip
"""Top to bottom. A module imports from layers below its own, or beside it; `x.*` are
all files of a shelf."""

HEIGHTS = {name: -n for n, layer in enumerate(LAYERS) for name in layer}


def height_of(name: str) -> int | None:
    """Return how high a module lies; None for one that has no place."""
    shelf = f"{name.rpartition('.')[0]}.*"
    return HEIGHTS.get(name, HEIGHTS.get(shelf))


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


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """Return all of a file's syntax; each is read once."""
    return tuple(ast.walk(ast.parse(path.read_text("utf-8"))))


def imported(path: Path) -> Iterator[str]:
    """Yield the full names of the modules that a file imports, wherever in it."""
    for node in nodes_of(path):
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


@cache
def own(path: Path) -> frozenset[str]:
    """Return which modules of the package a file imports, below its name."""
    return frozenset(
        name.removeprefix("gcbatch.")
        for name in imported(path)
        if name.startswith("gcbatch.")
    )


def test_every_module_has_its_layer() -> None:
    """A new module is given a place, so that its imports can be judged."""
    homeless = [
        name_of(path)
        for path in HOUSE
        if name_of(path)
        and height_of(name_of(path)) is None
        and (path.name != "__init__.py" or own(path))
    ]

    assert not homeless


def above(path: Path) -> set[str]:
    """Return which modules a file imports that lie above it."""
    heights = {m: height for m in own(path) if (height := height_of(m)) is not None}
    own_height = height_of(name_of(path))
    return {m for m, h in heights.items() if own_height is None or h > own_height}


def test_imports_go_down() -> None:
    """No module knows of one above it; the package's own front door lies above all."""
    up = {name_of(path): above(path) for path in HOUSE if name_of(path)}

    assert not {name: found for name, found in up.items() if found}


def test_there_is_no_way_round() -> None:
    """Modules beside each other import one another in one direction only."""
    graph = {name_of(p): own(p) for p in HOUSE if name_of(p)}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"a circle: {' -> '.join((*way, name))}"
        if name not in done:
            for other in graph.get(name, ()):
                visit(other, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_the_simulator_knows_the_services_words_only() -> None:
    """It shares no code with what it tests, but for the names of metrics."""
    house = {
        (name_of(path), module)
        for path in SIMULATOR
        for module in own(path)
        if not module.startswith("simulator")
    }

    assert {(n, m) for n, m in house if m != "genesys.families"} == set()


def test_few_know_the_simulator() -> None:
    """Real jobs never load it."""
    users = {
        name_of(p) for p in HOUSE if any(m.split(".")[0] == "simulator" for m in own(p))
    }

    assert users <= {"cli.simulating", "orgs"}


def test_exporters_come_through_the_same_door_as_anyones() -> None:
    """They know the contract, tables, windows and errors; nothing of the service."""
    open_to_them = {"exporting", "errors", "tables.table", "windows"}
    beyond = {place_of(path): own(path) - open_to_them for path in EXPORTERS}

    assert not {place: found for place, found in beyond.items() if found}


def known_to(rooms: tuple[str, ...], forbidden: tuple[str, ...]) -> set[str]:
    """Return which files of *rooms* import which *forbidden* modules."""
    return {
        f"{name_of(path)} imports {module}"
        for path in HOUSE
        if name_of(path).startswith(rooms) and name_of(path) != "tables.catalog"
        for module in own(path)
        if module.startswith(forbidden)
    }


def test_what_fetches_knows_no_table() -> None:
    """Fetching and exporting meet in the store."""
    fetching = ("genesys", "fetch", "store", "plan")

    assert not known_to(fetching, ("tables", "exporting", "staging"))


def test_what_makes_tables_knows_no_http() -> None:
    """Fetching and exporting meet in the store."""
    exporting = ("exporting", "staging", "tables.")

    assert not known_to(exporting, ("genesys.client", "fetch"))


def names_called(path: Path) -> set[str]:
    """Return what a file calls, as it is written there."""
    return {
        ast.unparse(node.func) for node in nodes_of(path) if isinstance(node, ast.Call)
    }


def test_only_the_command_line_prints_and_exits() -> None:
    """Everything else raises, returns or logs."""
    loud = {"print", "typer.echo", "sys.exit", "exit", "input", "os._exit"}
    called = {
        place_of(path): names_called(path) & loud
        for path in [*MODULES, *EXPORTERS]
        if not path.is_relative_to(ROOT / "gcbatch" / "cli")
    }

    assert not {place: found for place, found in called.items() if found}


def test_only_the_doors_read_the_environment() -> None:
    """The command line, load_job where it is handed none, proxies, own workers."""
    readers = {
        name_of(path)
        for path in MODULES
        for node in nodes_of(path)
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in {"os.environ", "os.environb", "os.getenv"}
    }

    assert readers == {"cli.jobs", "loading", "genesys.network", "cluster.own"}


def test_nothing_blocks_or_guesses_in_what_is_pure() -> None:
    """Plans, dates and windows get their time and chance as arguments."""
    pure = {"windows", "dates", "plan", "query", "filters", "job", "jobfile",
            "genesys.retry", "genesys.quota", "genesys.auth", "suggest"}  # fmt: skip
    guesses = {"datetime.now", "time.time", "time.monotonic", "time.sleep",
               "random.random", "random.uniform", "os.environ.get"}  # fmt: skip
    guessing = {
        name_of(path): found
        for path in HOUSE
        if name_of(path) in pure
        and (
            found := names_called(path) & guesses
            | {"time", "random", "os"} & set(imported(path))
        )
    }

    assert not guessing
