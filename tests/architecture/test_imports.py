"""Who may import whom, read from the syntax trees. import-linter keeps the coarse rules beside."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "wherry_runner": ROOT / "runner",
    "wherry_supervisor": ROOT / "supervisor",
    "wherry_kernel": ROOT / "kernel",
}

#: What may be imported if the user's interpreter has it, and only inside a function or a `try`.
GUESTS = {"IPython", "comm", "debugpy", "ipykernel", "matplotlib", "matplotlib_inline", "numpy"}

#: Parts of the standard library of Pythons younger than the oldest; to be treated as guests.
YOUNGER = {"annotationlib", "tomllib", "compression"}

#: Modules that are about one guest and import it at the top; they are imported as guests are.
HOSTS = {
    "wherry_runner.ipython_host": {"IPython", "comm", "matplotlib_inline", "traitlets"},
    "wherry_runner.ipython_shell": {"IPython", "traitlets"},
    "wherry_runner.ipython_profile": {"IPython", "traitlets"},
    "wherry_runner.kernel_magics": {"IPython"},
    "wherry_runner.plain.inline_backend": {"matplotlib"},
}

#: Modules that turn data into data: they can be tested without a clock, a process or a socket.
PURE = [
    "wherry_runner/frames.py",
    "wherry_runner/ordering.py",
    "wherry_runner/textflow.py",
    "wherry_supervisor/lifecycle.py",
    "wherry_supervisor/outcomes.py",
    "wherry_supervisor/flood.py",
    "wherry_supervisor/exits.py",
    "wherry_supervisor/causes.py",
    "wherry_supervisor/stacks.py",
    "wherry_supervisor/wording.py",
    "wherry_kernel/messages.py",
    "wherry_kernel/wire",
]

#: Names through which the outside world comes in.
RIM = {
    "asyncio",
    "concurrent",
    "multiprocessing",
    "pathlib",
    "select",
    "selectors",
    "shutil",
    "socket",
    "sqlite3",
    "subprocess",
    "tempfile",
    "threading",
    "tornado",
    "traitlets",
    "zmq",
    "jupyter_client",
    "jupyter_core",
    "ipykernel",
    "IPython",
}  # of `os`, see the test


def sources(package):
    return sorted((PACKAGES[package] / package).rglob("*.py"))


def imports(path):
    """Yield (module, line, guarded); imports for type checkers only are left out."""
    tree = ast.parse(path.read_text("utf-8"), filename=str(path))
    yield from _walk(tree, guarded=False)


def _walk(node, *, guarded):
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from _walk(ast.Module([other], []), guarded=guarded)
        elif isinstance(child, ast.Import):
            yield from ((alias.name, child.lineno, guarded) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield "." * child.level + (child.module or ""), child.lineno, guarded
            for alias in child.names:
                yield f"{child.module}.{alias.name}", child.lineno, guarded
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Try)
            yield from _walk(child, guarded=guarded or inside)


def place(path, line):
    return f"{path.relative_to(ROOT)}:{line}"


@pytest.mark.parametrize("path", sources("wherry_runner"), ids=lambda path: path.name)
def test_the_runner_needs_nothing_but_the_standard_library(path):
    own = ".".join(path.relative_to(PACKAGES["wherry_runner"]).with_suffix("").parts)
    allowed = sys.stdlib_module_names | {"wherry_runner"} | HOSTS.get(own, set())
    for module, line, guarded in imports(path):
        top = module.partition(".")[0]
        is_host = module in HOSTS and own not in HOSTS
        if (top in GUESTS | YOUNGER and top not in HOSTS.get(own, ())) or is_host:
            assert guarded, f"{place(path, line)}: {module} may be missing, import it in a function"
        else:
            assert top in allowed, f"{place(path, line)}: {module} is not in every interpreter"


@pytest.mark.parametrize("path", sources("wherry_runner"), ids=lambda path: path.name)
def test_the_runner_is_written_for_python_3_8(path):
    ast.parse(path.read_text("utf-8"), filename=str(path), feature_version=(3, 8))


@pytest.mark.parametrize("package", ["wherry_supervisor", "wherry_kernel"])
def test_of_the_runner_only_the_frames_are_imported(package):
    for path in sources(package):
        for module, line, _ in imports(path):
            if module.startswith("wherry_runner") and module != "wherry_runner":
                known = module.startswith("wherry_runner.frames")
                assert known, f"{place(path, line)}: {module}"


def test_the_supervisor_knows_no_jupyter():
    strangers = {"wherry_kernel", "zmq", "traitlets", "jupyter_client", "jupyter_core", "ipykernel"}
    for path in sources("wherry_supervisor"):
        for module, line, _ in imports(path):
            assert module.partition(".")[0] not in strangers, f"{place(path, line)}: {module}"


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_touches_nothing_outside(name):
    target = PACKAGES[name.partition("/")[0]] / name
    paths = sorted(target.rglob("*.py")) if target.is_dir() else [target]
    assert paths, f"{name} is gone; correct the list of pure modules"
    for path in paths:
        for module, line, _ in imports(path):
            assert module.partition(".")[0] not in RIM, f"{place(path, line)}: {module}"
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "os":
                harmless = node.attr in {"getpid", "urandom"}  # the default of an id
                assert harmless, f"{place(path, node.lineno)}: os.{node.attr}"


def test_nothing_is_named_after_having_no_name():
    vague = {"utils", "util", "helpers", "common", "misc", "base", "manager"}
    found = [path for package in PACKAGES for path in sources(package) if path.stem in vague]
    assert not found
