"""The house rules, checked on the syntax tree: imports one way, sizes, one owner per package, nothing at import."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "ragedge"
MODULES = {
    ".".join(("ragedge", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
MAX_LINES = 300
MAX_FUNCTION_LINES = 50

LAYERS: list[tuple[str, ...]] = [
    ("ragedge.contracts", "ragedge.errors"),
    ("ragedge.config", "ragedge.config_reading", "ragedge.config_edit", "ragedge.device", "ragedge.device_state",
     "ragedge.models", "ragedge.model_catalogue", "ragedge.model_registry", "ragedge.model_pull", "ragedge.views",
     "ragedge.threads", "ragedge.llama_log", "ragedge.replies", "ragedge.admin_replies", "ragedge.desk_replies",
     "ragedge.state_files",
     "ragedge.qr", "ragedge.exhibits", "ragedge.energy", "ragedge.answer_store"),
    ("ragedge.ingest.readers", "ragedge.ingest.sandbox", "ragedge.ingest.sandbox_child", "ragedge.ingest.sandbox_wire",
     "ragedge.ingest.sandbox_zygote", "ragedge.ingest.chunker", "ragedge.ingest.watch", "ragedge.index.catalog",
     "ragedge.index.vectors", "ragedge.search.embedder", "ragedge.search.llama_embedder",
     "ragedge.search.bert_folder", "ragedge.search.folder_embedder", "ragedge.search.bert_gguf",
     "ragedge.search.bert_native", "ragedge.search.gguf_file", "ragedge.search.onnx_model",
     "ragedge.search.evidence_reader", "ragedge.search.crew",
     "ragedge.search.query", "ragedge.search.merge", "ragedge.search.editions", "ragedge.search.filters",
     "ragedge.search.followup", "ragedge.search.fusion", "ragedge.search.library", "ragedge.search.spelling",
     "ragedge.search.collections", "ragedge.search.search_index", "ragedge.answer"),
    ("ragedge.index.store", "ragedge.search.retriever", "ragedge.journal", "ragedge.journal_reading",
     "ragedge.journal_export", "ragedge.reviewed", "ragedge.pinned_text", "ragedge.pinned_file", "ragedge.speaker",
     "ragedge.device_profile", "ragedge.gate_file", "ragedge.keys", "ragedge.owner_replies", "ragedge.portion",
     "ragedge.follow_up", "ragedge.checking", "ragedge.ask_settings", "ragedge.document_names"),
    ("ragedge.ingest.scan", "ragedge.ingest.progress", "ragedge.ingest.outcomes", "ragedge.ingest.again",
     "ragedge.ingest.sync", "ragedge.ask", "ragedge.weighing", "ragedge.parts", "ragedge.summarise", "ragedge.rewrite",
     "ragedge.tasks", "ragedge.model_prompt"),
    ("ragedge.assemble", "ragedge.assemble_index"),
    ("ragedge.evaluate", "ragedge.evaluation", "ragedge.calibration", "ragedge.bench", "ragedge.engine_bench",
     "ragedge.state_bench", "ragedge.suggesting", "ragedge.journal_days", "ragedge.golden_runs",
     "ragedge.reading_ahead", "ragedge.used_questions"),
    ("ragedge.server", "ragedge.client"),
    ("ragedge.terminal", "ragedge.index_verbs", "ragedge.journal_verbs", "ragedge.pinned_verbs",
     "ragedge.model_verbs", "ragedge.eval_verb", "ragedge.ingest_verb", "ragedge.ask_verb", "ragedge.serve_verb",
     "ragedge.keys_verb", "ragedge.mcp_server", "ragedge.calibrate_verb", "ragedge.bench_verbs", "ragedge.arguments",
     "ragedge.cli", "ragedge.__main__", "ragedge.task_verbs"),
]  # fmt: skip
"""Lower layers first; a module may import its own layer's package and everything below it."""

OWNERS = {
    "chromadb": {"ragedge.index.vectors"},
    "llama_cpp": {
        "ragedge.answer.llama_native",
        "ragedge.answer.llama_writer",
        "ragedge.answer.batches",
        "ragedge.engine_bench.binding",
        "ragedge.answer.llama_sampling",
        "ragedge.answer.llama_states",
        "ragedge.answer.llama_context",
        "ragedge.search.bert_native",
        "ragedge.llama_log",
    },
    "huggingface_hub": {"ragedge.model_pull"},
    "jinja2": {"ragedge.answer.template_child"},
    "gguf": {"ragedge.search.bert_gguf", "ragedge.engine_bench.shapes"},
    "safetensors": {"ragedge.search.bert_gguf"},
    "onnxruntime": {"ragedge.search.onnx_model"},
    "sentence_transformers": {"ragedge.search.embedder"},
    "torch": {"ragedge.search.embedder"},
    "tokenizers": {"ragedge.search.bert_folder", "ragedge.search.evidence_reader"},
    "pypdf": {"ragedge.ingest.readers"},
    "pypdfium2": {"ragedge.ingest.readers.ocr", "ragedge.server.picture_child"},
    "litestar": {"ragedge.server"},
    "uvicorn": {"ragedge.server"},
    "watchfiles": {"ragedge.ingest.watch"},
    "openpyxl": {"ragedge.ingest.readers.sheets"},
    "striprtf": {"ragedge.ingest.readers.text"},
    "charset_normalizer": {"ragedge.ingest.readers.text"},
    "lxml": {"ragedge.ingest.readers.markup"},
    "PIL": {"ragedge.ingest.readers.ocr", "ragedge.server.picture_child"},
    "sqlite3": {"ragedge.index", "ragedge.journal", "ragedge.journal_reading", "ragedge.evaluation.runs"},
    "httpx": {"ragedge.client"},
    "segno": {"ragedge.qr"},
    "cryptography": {"ragedge.server.certificate"},
    "mcp": {"ragedge.mcp_server"},
    "tqdm": {"ragedge.terminal", "ragedge.bench_verbs", "ragedge.evaluate", "ragedge.evaluation"},
}
"""Third-party package -> the packages or modules that may import it (one module there, see the test)."""

HEAVY = ("chromadb", "llama_cpp", "sentence_transformers", "torch", "transformers", "litestar", "pypdf", "numpy")
FORBIDDEN_NAMES = ("utils", "common", "helpers", "base", "manager")
# index.derived loads chromadb (0.4 to 1.2 s) only where the process holds the lock and something is asked or written
MAY_IMPORT_INSIDE = (
    "ragedge.index.derived",
    "ragedge.assemble",
    "ragedge.assemble_index",
    "ragedge.cli",
    "ragedge.ingest.readers",
    "ragedge.terminal",
)


def tree_of(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def absolute(name: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    is_package = MODULES[name].name == "__init__.py"
    base = parts[: len(parts) - node.level + (1 if is_package else 0)]
    return ".".join([*base, *([node.module] if node.module else [])])


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(name: str) -> Iterator[tuple[str, int, bool]]:
    """(imported module, line, inside a function) of a module, without those for type checkers alone."""

    def walk(node: ast.AST, inside: bool) -> Iterator[tuple[str, int, bool]]:
        for child in ast.iter_child_nodes(node):
            if is_type_checking(child):
                continue
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield alias.name, child.lineno, inside
            elif isinstance(child, ast.ImportFrom):
                module = absolute(name, child)
                for alias in child.names:
                    full = f"{module}.{alias.name}"
                    yield (full if full in MODULES else module), child.lineno, inside
            else:
                yield from walk(child, inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))

    yield from walk(tree_of(name), False)


def layer(name: str) -> int:
    best, found = -1, ""
    for number, prefixes in enumerate(LAYERS):
        for prefix in prefixes:
            if (name == prefix or name.startswith(prefix + ".")) and len(prefix) > len(found):
                best, found = number, prefix
    if best < 0 and name.startswith("ragedge.index."):
        best = 2  # private modules of the index
    return best


@pytest.mark.parametrize("name", [n for n in MODULES if n not in ("ragedge", "ragedge.web")])
def test_imports_point_down(name: str) -> None:
    here = layer(name)
    packages = {n for n in MODULES if MODULES[n].name == "__init__.py" and not tree_of(n).body}
    if name in packages:
        return
    assert here >= 0, f"{name} stands in no layer: add it to LAYERS"
    for imported, line, _ in imports(name):
        if imported.startswith("ragedge.") and imported not in packages:
            assert layer(imported) <= here, f"{name}:{line} imports {imported}, which stands above it"


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {name: {i for i, _, inside in imports(name) if i in MODULES and not inside} for name in MODULES}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"circle: {' -> '.join((*trail[trail.index(name) :], name))}"
        if name in done:
            return
        for below in sorted(graph[name] - {name}):
            visit(below, (*trail, name))
        done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("name", MODULES)
def test_modules_and_functions_stay_small(name: str) -> None:
    lines = MODULES[name].read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_LINES, f"{name}: {lines} lines"
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{name}.{node.name}: {length} lines"


@pytest.mark.parametrize("name", MODULES)
def test_names_say_what_a_module_is_for(name: str) -> None:
    assert name.rsplit(".", 1)[-1] not in FORBIDDEN_NAMES
    if tree_of(name).body:
        assert ast.get_docstring(tree_of(name)), f"{name} has no docstring"


def test_each_third_party_package_has_one_owner() -> None:
    for package, owners in OWNERS.items():
        users = {n for n in MODULES for i, _, _ in imports(n) if i == package or i.startswith(package + ".")}
        strangers = {u for u in users if not any(u == o or u.startswith(o + ".") for o in owners)}
        assert not strangers, f"{package} is imported by {sorted(strangers)}, its owners are {sorted(owners)}"


@pytest.mark.parametrize("name", MODULES)
def test_imports_inside_functions_only_where_parts_are_put_together(name: str) -> None:
    if any(name == allowed or name.startswith(allowed + ".") for allowed in MAY_IMPORT_INSIDE):
        return
    inside = [f"{imported} (line {line})" for imported, line, is_inside in imports(name) if is_inside]
    assert not inside, f"{name} imports inside functions: {inside}"


def test_help_loads_no_heavy_package_and_answers_at_once() -> None:
    code = (
        "import sys, contextlib, io\n"
        "from ragedge.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main(['--help'])\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert time.monotonic() - started < 10, "only a hang fails this; the figure is in `ragedge bench`"


def test_importing_the_package_does_nothing() -> None:
    code = (
        "import os; before = dict(os.environ); import ragedge; print(os.environ == before, bool(ragedge.__version__))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]
