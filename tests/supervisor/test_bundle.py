"""The block that carries the runner: complete, readable by every Python, and nothing besides."""

from __future__ import annotations

import marshal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

import wherry_runner
from wherry_runner import frames as f
from wherry_supervisor.boot import BOOT, new_nonce
from wherry_supervisor.bundle import payload

NONCE = new_nonce()
#: A file that is edited while the tests run is no defect.
BEGAN = time.time() - 1
FILES = len(list(Path(wherry_runner.__file__).parent.rglob("*.py")))
SENT = payload(NONCE, "plain", local=False)
TOLD = payload(NONCE, "plain", local=True)
both = pytest.mark.parametrize("data", [SENT, TOLD], ids=["sent", "read from disk"])


def unpack(data: bytes) -> dict:
    nonce, size = data[:32].decode(), int(data[32:40], 16)
    assert len(data) == 40 + size
    return {"nonce": nonce, **marshal.loads(zlib.decompress(data[40:]))}


def test_it_holds_the_nonce_and_every_module_of_the_runner() -> None:
    content = unpack(SENT)
    assert content["nonce"] == NONCE
    assert len(content["modules"]) == FILES
    assert content["modules"]["wherry_runner"][0] is True
    assert content["modules"]["wherry_runner.frames"][0] is False
    assert content["modules"]["wherry_runner.plain"][0] is True


def test_each_module_has_its_source_and_code_that_agrees_with_it() -> None:
    root = Path(wherry_runner.__file__).parent
    for name, (is_package, source, code) in unpack(SENT)["modules"].items():
        parts = name.split(".")[1:]
        path = root.joinpath(*parts, "__init__.py") if is_package else root.joinpath(*parts)
        if path.with_suffix(".py").stat().st_mtime < BEGAN:
            assert source == path.with_suffix(".py").read_text("utf-8")
        assert marshal.loads(code).co_name == "<module>"


def test_it_is_small_enough_to_be_sent_for_every_start() -> None:
    assert len(SENT) < 1_000_000
    assert len(TOLD) < 10_000


def test_the_boot_program_needs_no_quotes_that_a_shell_would_eat() -> None:
    assert '"' not in BOOT
    assert "$" not in BOOT
    assert len(BOOT) < 1000
    compile(BOOT, "<boot>", "exec")


@pytest.mark.parametrize("cut", [0, 3, 32, 36, 40, 1000])
def test_a_stdin_that_ends_too_early_is_named(cut: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BOOT],
        input=SENT[:cut],
        capture_output=True,
        timeout=10,
        check=False,
    )
    assert done.returncode == 1
    assert b"stdin was closed before the runner had arrived" in done.stderr
    assert done.stdout == b""


@both
def test_frames_that_follow_the_block_at_once_are_not_swallowed(data: bytes) -> None:
    block = data + f.encode(f.Spawn(host="plain")) + f.encode(f.Shutdown(grace=5))
    done = subprocess.run(
        [sys.executable, "-c", BOOT],
        input=block,
        capture_output=True,
        timeout=10,
        check=False,
    )
    said = f.Decoder().feed(done.stdout)
    assert isinstance(said[0], f.Hello)
    assert said[0].nonce == NONCE
    assert isinstance(said[-1], f.Bye)
    assert done.returncode == 0


@both
def test_modules_beside_the_notebook_do_not_shadow_the_standard_library(
    tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('shadowed')")
    done = subprocess.run(
        [sys.executable, "-c", BOOT],
        input=data,
        capture_output=True,
        timeout=10,
        check=False,
        cwd=tmp_path,
    )
    assert b"shadowed" not in done.stderr
    assert b'"t":"hello"' in done.stdout
