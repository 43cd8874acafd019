"""One interpreter is asked; whatever it does, the answer is a probe."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import venv
from pathlib import Path

import pytest

from tests.supervisor.fake_pythons import fake, script
from wherry_supervisor.probing import probe

pytestmark = pytest.mark.asyncio

PYENV = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
OTHERS = {
    path.parent.parent.name: path for path in sorted(PYENV.glob("versions/[23].*/bin/python"))
}


async def reason(path: Path, *, timeout: float = 10.0) -> str:
    found = await probe(path, timeout=timeout)
    assert not found.usable
    assert found.path == str(path)
    return found.reason


async def test_our_own_interpreter_tells_what_it_is() -> None:
    found = await probe(sys.executable)
    assert (found.usable, found.reason) == (True, "")
    assert found.number == sys.version_info[:3]
    assert (found.prefix, found.base_prefix) == (sys.prefix, sys.base_prefix)
    assert (found.platform, found.bits) == (sys.platform, 64 if sys.maxsize > 2**32 else 32)
    assert found.ipython
    assert found.packages["ipython"] == found.ipython
    assert any("site-packages" in folder for folder in found.folders)


@pytest.mark.skipif(not OTHERS, reason="there are no other interpreters here (pyenv has none)")
@pytest.mark.parametrize("name", OTHERS)
async def test_other_interpreters_are_usable_from_38_on(name) -> None:
    found = await probe(OTHERS[name])
    assert found.version == name
    assert found.kind == "pyenv"
    assert found.usable == (found.number >= (3, 8))
    if not found.usable:
        assert found.reason == f"too old: Python {name}, and at least 3.8 is needed"


async def test_a_venv_is_itself_and_not_its_base(tmp_path) -> None:
    venv.create(tmp_path / "mine", with_pip=False, symlinks=True)
    python = tmp_path / "mine" / "bin" / "python"
    found = await probe(python)
    assert (found.path, found.kind, found.name) == (str(python), "venv", "mine")
    assert found.prefix == str(tmp_path / "mine")
    assert found.base_prefix == sys.base_prefix
    assert found.ipython is None


async def test_installed_packages_are_seen_without_importing_them(tmp_path) -> None:
    venv.create(tmp_path / "mine", with_pip=False, symlinks=True)
    site = next((tmp_path / "mine").glob("lib/*/site-packages"))
    (site / "ipython-9.1.0.dist-info").mkdir()
    (site / "debugpy-1.8.0-py3.11.egg-info").mkdir()
    (site / "numpy.py").write_text("raise SystemExit('imported')")
    found = await probe(tmp_path / "mine" / "bin" / "python")
    assert found.packages == {"ipython": "9.1.0", "debugpy": "1.8.0", "numpy": ""}


async def test_noise_of_sitecustomize_is_skipped(tmp_path) -> None:
    venv.create(tmp_path / "mine", with_pip=False, symlinks=True)
    site = next((tmp_path / "mine").glob("lib/*/site-packages"))
    (site / "noise.pth").write_text(
        "import sys; print('hello'); sys.stdout.write('{ no newline')\n"
    )
    (site / "sitecustomize.py").write_text("import sys; sys.stdout.flush(); sys.stdout = None")
    assert (await probe(tmp_path / "mine" / "bin" / "python")).usable


async def test_misleading_variables_of_ours_are_not_passed_on(tmp_path, monkeypatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('not the real one')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    monkeypatch.setenv("PYTHONINSPECT", "1")
    assert (await probe(sys.executable)).usable


async def test_a_module_in_the_current_folder_hides_nothing(tmp_path, monkeypatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('not the real one')")
    monkeypatch.chdir(tmp_path)
    assert (await probe(sys.executable)).usable


async def test_a_relative_path_and_a_tilde_are_understood(tmp_path, monkeypatch) -> None:
    fake(tmp_path / "bin" / "python")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert (await probe("bin/../bin/python")).path == str(tmp_path / "bin" / "python")
    assert (await probe("~/bin/python")).usable


async def test_nothing_there(tmp_path) -> None:
    assert await reason(tmp_path / "none") == "no such file"
    assert await reason(tmp_path) == "it is a folder, not an interpreter"


async def test_a_venv_whose_base_is_gone(tmp_path) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(tmp_path / "old" / "python3")
    assert f"a link to {tmp_path}/old/python3, which is gone" in await reason(python)


async def test_a_venv_of_copies_whose_base_is_gone(tmp_path) -> None:
    fake(tmp_path / "bin" / "python")
    (tmp_path / "pyvenv.cfg").write_text(f"home = {tmp_path}/old\nversion = 3.9.1\n")
    assert f"base interpreter in {tmp_path}/old is gone" in await reason(
        tmp_path / "bin" / "python"
    )


async def test_not_executable(tmp_path) -> None:
    path = fake(tmp_path / "python")
    path.chmod(0o644)
    assert (await reason(path)).startswith("not executable")


async def test_not_a_program(tmp_path) -> None:
    path = tmp_path / "python"
    path.write_bytes(b"\x00\x01\x02")
    path.chmod(0o755)
    assert await reason(path) == "not a program that this machine can run"


async def test_a_script_whose_own_interpreter_is_gone(tmp_path) -> None:
    path = script(tmp_path / "python")
    path.write_text("#!/nowhere/at/all\n")
    assert (await reason(path)).startswith("broken: the program named in its first line")


async def test_not_python(tmp_path) -> None:
    path = script(tmp_path / "python", "exit 0")
    assert await reason(path) == "it is not a Python interpreter: it ended without an answer"


async def test_an_exit_code_comes_with_the_end_of_stderr(tmp_path) -> None:
    path = script(
        tmp_path / "python", "seq 9999 >&2", "echo 'no module named encodings' >&2", "exit 3"
    )
    assert await reason(path) == (
        "it ended with exit code 3: 9998 | 9999 | no module named encodings"
    )


async def test_a_death_by_signal_is_named(tmp_path) -> None:
    assert await reason(script(tmp_path / "python", "kill -SEGV $$")) == "it died of SIGSEGV"


@pytest.mark.parametrize("answer", ["{", "[]", "{}", '{"version": 3}'])
async def test_an_answer_of_another_shape(tmp_path, answer) -> None:
    path = script(tmp_path / "python", f"printf '%s%s\\n' \"$3\" '{answer}'")
    assert await reason(path) == "it gave an answer that nobody understands"


async def test_a_version_that_is_none(tmp_path) -> None:
    path = fake(tmp_path / "python", version="unknown")
    assert await reason(path) == "it gave an answer that nobody understands"


async def test_endless_garbage_is_cut_off(tmp_path) -> None:
    path = script(tmp_path / "python", "exec yes")
    assert await reason(path) == "it printed garbage instead of an answer"


async def test_an_interpreter_that_hangs_is_killed_with_its_children(tmp_path) -> None:
    path = script(tmp_path / "python", f"sleep 61 & echo $! > {tmp_path}/child", "wait")
    assert (await reason(path, timeout=0.3)).startswith("no answer within 0.3 s: it hangs")
    await gone(int((tmp_path / "child").read_text()))


async def test_a_daemon_that_keeps_the_pipes_open_delays_nothing(tmp_path) -> None:
    path = script(tmp_path / "python", "sleep 61 &", "exit 3")
    began = time.monotonic()
    assert "exit code 3" in await reason(path)
    assert time.monotonic() - began < 3


async def test_a_cancel_leaves_no_process(tmp_path) -> None:
    path = script(tmp_path / "python", f"echo $$ > {tmp_path}/pid", "exec sleep 61")
    task = asyncio.create_task(probe(path))
    pid = await written(tmp_path / "pid")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(pid)


async def written(file: Path) -> int:
    for _ in range(500):
        if (text := _text(file)).endswith("\n"):
            return int(text)
        await asyncio.sleep(0.01)
    pytest.fail(f"{file} was not written within 5 s")


async def gone(pid: int) -> None:
    """Wait until the process has ended; a zombie that init has yet to collect counts as ended."""
    for _ in range(500):
        if _state(pid) in {None, "Z"}:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"process {pid} is still there after 5 s")


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def _state(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None
