"""What a person set up for their IPython holds in both kernels."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.kernel.dialogues.conftest import KEPT, OURS, REFERENCE

pytest.importorskip("IPython")


@pytest.fixture
def profile(tmp_path) -> Path:
    folder = tmp_path / "ipython" / "profile_default"
    (folder / "startup").mkdir(parents=True)
    return folder


@pytest.fixture
def start(start_kernel, profile):
    """Start a kernel with this profile, and end it with the test."""
    started = []

    def start(name: str, *arguments: str, **environment: str):
        running = start_kernel(name, *arguments, IPYTHONDIR=str(profile.parent), **environment)
        started.append(running)
        return running

    yield start
    for running in started:
        running.close()


both = pytest.mark.parametrize("name", [REFERENCE, OURS])


@both
def test_startup_files_lines_and_files_are_run_in_order(start, profile, name):
    (profile / "startup" / "10.py").write_text("seen = [10, __file__.endswith('10.py')]")
    (profile / "startup" / "20.ipy").write_text("seen += [20]\n%env STARTED=yes\n")
    (profile / "startup" / "README").write_text("not code")
    (profile / "more.py").write_text("seen += ['file']")
    (profile / "ipython_config.py").write_text(
        f"c.InteractiveShellApp.exec_lines = ['seen += [\"line\"]', 'import asyncio',"
        f" 'await asyncio.sleep(0)']\n"
        f"c.InteractiveShellApp.exec_files = [{str(profile / 'more.py')!r}]\n"
    )
    frontend = start(name).frontend
    assert frontend.run("seen").results == ["[10, True, 20, 'line', 'file']"]
    assert frontend.run("import os; os.environ['STARTED']").results == ["'yes'"]
    assert frontend.run("%who_ls seen").results == ["[]"]


@both
def test_configuration_reaches_the_shell(start, profile, name):
    (profile / "ipython_config.py").write_text(
        "c.InteractiveShell.ast_node_interactivity = 'all'\n"
        "c.PlainTextFormatter.float_precision = '%.2f'\n"
    )
    (profile / "ipython_kernel_config.json").write_text(
        '{"IPKernelApp": {"exec_lines": ["from_json = 1"]}}'
    )
    assert start(name).frontend.run("1.0\nfrom_json").results == ["1.00", "1"]


@both
def test_extensions_are_loaded(start, profile, name, tmp_path):
    (tmp_path / "my_extension.py").write_text(
        "def load_ipython_extension(shell): shell.push({'extended': True})\n"
    )
    (profile / "ipython_config.py").write_text(
        f"import sys; sys.path.append({str(tmp_path)!r})\n"
        "c.InteractiveShellApp.extensions = ['my_extension']\n"
    )
    assert start(name).frontend.run("extended").results == ["True"]


@both
def test_pythonstartup_is_run(start, tmp_path, name):
    (tmp_path / "rc.py").write_text("from_rc = 1")
    frontend = start(name, PYTHONSTARTUP=str(tmp_path / "rc.py")).frontend
    assert frontend.run("from_rc").results == ["1"]


@both
def test_another_profile(start, profile, name):
    other = profile.parent / "profile_other" / "startup"
    other.mkdir(parents=True)
    (other / "10.py").write_text("which = 'other'")
    (profile / "startup" / "10.py").write_text("which = 'default'")
    assert start(name, "--profile=other").frontend.run("which").results == ["'other'"]


@both
def test_variables_are_stored_and_restored(start, profile, name):
    (profile / "ipython_config.py").write_text("c.StoreMagics.autorestore = True\n")
    running = start(name)
    assert running.frontend.run("kept = 7\n%store kept").status == "ok"
    running.manager.restart_kernel()
    running.frontend.close()
    running.frontend = running.connect()
    assert running.frontend.run("kept").results == ["7"]


@both
def test_changed_modules_are_loaded_again(start, name, tmp_path):
    module = tmp_path / "changing.py"
    module.write_text("def f(): return 1\n")
    frontend = start(name).frontend
    frontend.run(f"import sys; sys.path.append({str(tmp_path)!r}); sys.dont_write_bytecode = True")
    frontend.run("%load_ext autoreload\n%autoreload 2")
    assert frontend.run("import changing; changing.f()").results == ["1"]
    time.sleep(0.01)
    module.write_text("def f(): return 22\n")
    assert frontend.run("changing.f()").results == ["22"]


@pytest.mark.parametrize(
    "bad, word",
    [
        ("startup/20.py", "ZeroDivisionError"),
        ("ipython_config.py", "ZeroDivisionError"),
        ("exec_lines", "ZeroDivisionError"),
        ("extension", "no_such_extension"),
        ("sys.exit", "SystemExit"),
    ],
)
def test_what_fails_is_told_by_the_first_cell_and_keeps_nobody_from_working(
    start, profile, bad, word
):
    (profile / "startup" / "10.py").write_text("before = 1")
    if bad == "exec_lines":
        text = "c.InteractiveShellApp.exec_lines = ['1/0']"
    elif bad == "extension":
        text = "c.InteractiveShellApp.extensions = ['no_such_extension']"
    elif bad == "ipython_config.py":
        text = "1/0"
    else:
        text = ""
        code = "1/0" if bad == "startup/20.py" else "import sys; sys.exit(3)"
        (profile / "startup" / "20.py").write_text(code)
    (profile / "ipython_config.py").write_text(text)
    frontend = start(OURS).frontend
    frontend.run("0", silent=True)
    first = frontend.run("before")
    assert word in first.stderr
    assert first.results == ["1"]
    assert frontend.run("before").stderr == ""


def test_a_start_is_run_once_for_each_runner_that_is_used(start, profile, tmp_path):
    log = tmp_path / "log"
    code = f"import os; print(os.getpid(), file=open({str(log)!r}, 'a'))"
    (profile / "startup" / "10.py").write_text(code)
    running = start(KEPT, "--WherryKernel.spare=true")
    pids = [running.frontend.run("import os; os.getpid()").results[0]]
    time.sleep(1.0)  # a runner waits in reserve now
    assert log.read_text().split() == pids
    running.manager.restart_kernel()
    pids += running.frontend.run("import os; os.getpid()").results
    assert log.read_text().split() == pids


def test_a_changed_configuration_reaches_the_runner_in_reserve(start, profile):
    running = start(KEPT, "--WherryKernel.spare=true")
    running.frontend.run("1")
    time.sleep(1.0)
    (profile / "ipython_config.py").write_text(
        "c.InteractiveShell.ast_node_interactivity = 'all'\n"
        "c.PlainTextFormatter.float_precision = '%.2f'\n"
        "c.InteractiveShellApp.exec_lines = ['line = 1']\n"
    )
    running.manager.restart_kernel()
    assert running.frontend.run("1.0\nline").results == ["1.00", "1"]


def test_what_a_start_prints_belongs_to_no_cell(start, profile):
    (profile / "startup" / "10.py").write_text("print('starting')")
    running = start(KEPT)
    before = running.frontend.execute("1")
    running.frontend.transcript(of=before)
    running.frontend.orphans.clear()
    running.manager.restart_kernel()
    said = [running.frontend.next_orphan()["content"] for _ in range(3)]
    assert said == [
        {"execution_state": "starting"},
        {"name": "stdout", "text": "starting\n"},
        {"execution_state": "idle"},
    ]
    running.frontend.expect_silence(of=before)
