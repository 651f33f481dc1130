"""Imports go one way: each package knows only those below it, by their faces."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ROWS = (
    ("cli",),
    ("verifying",),
    ("running",),
    ("cluster",),
    ("fetching", "tables"),
    ("endpoints",),
    ("planning",),
    ("job",),
    ("store", "exporting", "simulator", "dialects", "selecting"),
    ("objects",),
    ("genesys.client",),
    ("genesys",),
)
"""Packages from top to bottom. One imports those of lower rows, never a neighbour."""

PACKAGES = {name: -row for row, names in enumerate(ROWS) for name in names}

GROUND = {
    "atomic_files", "concurrency", "coverage", "errors", "html_table", "joined_spans",
    "lazy", "local_time", "locks", "opening_hours", "provisional", "query", "registry",
    "suggest", "table", "text", "windows",
}  # fmt: skip
"""Modules that any other may import; of gcbatch they import one another alone."""

ABOVE_ALL = {"", "__main__", "testing"}
"""The front doors: `import gcbatch`, `python -m gcbatch`, the suites for plugins."""

ENTRY_POINTS = {("running.open_engine", "cluster.engine")}
"""Modules that are imported past a face. Dask's workers import the face of `cluster`
before they have read an option, so it imports nothing."""

TEMPLATES = sorted((ROOT / "gcbatch" / "cli" / "scaffold").rglob("*.py"))
MODULES = sorted({*(ROOT / "gcbatch").rglob("*.py")} - {*TEMPLATES})
OURS = [p for p in MODULES if "simulator" not in p.parts]
EXPORTERS = sorted((ROOT / "exporters" / "gcbatch_exporters").rglob("*.py"))


def name_of(path: Path) -> str:
    """Return a module's name below gcbatch, such as `store.part_file`."""
    parts = path.relative_to(ROOT / "gcbatch").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def package_of(name: str) -> str:
    """Return the package that a module is in; empty for the ground."""
    fits = [p for p in PACKAGES if f"{name}.".startswith(f"{p}.")]
    return max(fits, key=len, default="")


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
    """Return which modules of gcbatch a file imports, by their names below it."""
    return {
        name.removeprefix("gcbatch").removeprefix(".")
        for name in imported(path)
        if name.split(".")[0] == "gcbatch"
    }


def is_front_door(name: str) -> bool:
    """Return whether a module is above all packages."""
    return name.split(".", maxsplit=1)[0] in ABOVE_ALL


def edges() -> list[tuple[str, str]]:
    """Return which module imports which, wherever the two lie in two packages."""
    return [
        (name, other)
        for path in MODULES
        if not is_front_door(name := name_of(path))
        for other in sorted(own(path))
        if package_of(name) != package_of(other)
    ]


def test_every_module_has_its_place() -> None:
    """It is in a package, on the ground, or one of the front doors."""
    assert not [
        name
        for path in MODULES
        if not package_of(name := name_of(path))
        if name not in GROUND and not is_front_door(name)
    ]


def test_imports_go_down() -> None:
    """No package imports one of its own row, or of a row above it."""
    lowest = min(PACKAGES.values()) - 1
    height = {**PACKAGES, "": lowest}

    assert not [
        f"{name} imports {other}"
        for name, other in edges()
        if height[package_of(other)] >= height[package_of(name)]
    ]


def test_packages_are_imported_by_their_faces() -> None:
    """What others may use is what a package's `__init__` exports."""
    assert not [
        f"{name} imports {other}"
        for name, other in edges()
        if other != package_of(other) and package_of(other)
        if (name, other) not in ENTRY_POINTS
    ]


@pytest.mark.parametrize("package", sorted(PACKAGES.keys() - {"cli"}))
def test_a_face_lists_what_it_exports(package: str) -> None:
    """`__all__` is sorted, and names all that the face imports from its modules."""
    path = ROOT / "gcbatch" / package.replace(".", "/") / "__init__.py"
    tree = ast.parse(path.read_text("utf-8"))
    names = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    listed = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]

    assert names == set(*listed)


def test_no_module_imports_itself_by_a_detour() -> None:
    """There is no cycle among all modules."""
    graph = {name_of(p): own(p) for p in MODULES if not is_front_door(name_of(p))}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"a cycle: {' -> '.join((*way, name))}"
        if name not in done:
            for other in graph.get(name, ()):
                visit(other, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_the_simulator_shares_only_the_names_of_metrics() -> None:
    """It shares no code with what it tests."""
    used = {(name, other) for name, other in edges() if package_of(name) == "simulator"}

    assert {other for _, other in used} <= {"genesys"}


def test_real_jobs_never_load_the_simulator() -> None:
    """The command `simulate` and jobs with `simulator: true` do."""
    users = {name for name, other in edges() if package_of(other) == "simulator"}

    assert users <= {"cli.simulate", "fetching.sessions"}


def test_exporters_use_what_any_plugin_can_use() -> None:
    """They know the contract, SQL, objects and the ground; nothing of the service."""
    used = {other for path in (*EXPORTERS, *TEMPLATES) for other in own(path)}

    assert {package_of(other) for other in used} <= {
        "exporting",
        "objects",
        "dialects",
        "",
    }


def names_called(path: Path) -> set[str]:
    """Return what a file calls, as it is written there."""
    return {
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
    }


def test_only_the_command_line_prints_and_exits() -> None:
    """Everything else raises, returns or logs."""
    loud = {"print", "typer.echo", "sys.exit", "exit", "input", "os._exit"}

    assert not [
        path
        for path in (*MODULES, *EXPORTERS)
        if not path.is_relative_to(ROOT / "gcbatch" / "cli")
        if names_called(path) & loud
    ]


def test_few_modules_read_the_environment() -> None:
    """The command line, load_job where it is given none, proxies, buckets, workers."""
    readers = {
        name_of(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in {"os.environ", "os.environb", "os.getenv"}
    }

    assert readers == {
        "cli.init",
        "cli.job_argument",
        "job.load",
        "genesys.client.network",
        "cluster.local_workers",
        "objects.buckets",
    }


def test_pure_modules_take_time_and_chance_as_arguments() -> None:
    """Plans, dates, windows and the retry rules do not read a clock or roll dice."""
    pure = {"windows", "job.dates", "planning.plan", "planning.tiling", "query",
            "job.filters", "job.job", "job.query", "job.fetch",
            "genesys.retry_rules", "genesys.client.rate_limiter",
            "genesys.client.token_provider", "suggest"}  # fmt: skip
    guesses = {"datetime.now", "time.time", "time.monotonic", "time.sleep",
               "random.random", "random.uniform", "os.environ.get"}  # fmt: skip
    paths = [path for path in OURS if name_of(path) in pure]

    assert len(paths) == len(pure)
    assert not [path for path in paths if names_called(path) & guesses]
    assert not [
        path for path in paths if {"time", "random", "os"} & set(imported(path))
    ]
