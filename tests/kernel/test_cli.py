"""The `wherry` command, with interpreters made of shell and a Jupyter path of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from jupyter_client.manager import KernelManager

from tests.supervisor.fake_pythons import fake, fake_venv
from wherry_kernel import cli, kernel_commands
from wherry_supervisor.probing import probe


@pytest.fixture
def jupyter(tmp_path, monkeypatch) -> Path:
    """The folder of kernels that Jupyter sees; nothing else on the machine is seen."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "user"))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "prefix" / "share" / "jupyter"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "prefix" / "share" / "jupyter" / "kernels"


@pytest.fixture
def run(jupyter, tmp_path, capsys):
    """Run a command line that has to succeed; returns its JSON or its text."""

    def run(*words: str, code: int = 0):
        if words[:2] == ("kernel", "install") and "--user" not in words:
            words += ("--prefix", str(tmp_path / "prefix"))
        assert cli.main(words) == code
        said = capsys.readouterr()
        if code:
            assert not said.out
            return said.err
        return json.loads(said.out) if "--json" in words else said.out

    return run


def spec_of(folder: Path) -> dict:
    return json.loads((folder / "kernel.json").read_text())


def test_a_kernel_for_an_environment(run, jupyter, tmp_path):
    python = fake_venv(tmp_path / "project" / ".venv", packages={"ipython": "8.1"})
    said = run("kernel", "install", "--python", str(tmp_path / "project" / ".venv"))
    assert said == (
        "installed wherry-project (Python 3.12 (project, Wherry)) "
        f"in {jupyter / 'wherry-project'}\n"
    )
    spec = spec_of(jupyter / "wherry-project")
    assert spec["argv"] == [
        sys.executable,
        "-m",
        "wherry_kernel",
        "-f",
        "{connection_file}",
        f"--WherryKernel.python={python}",
    ]
    assert spec["interrupt_mode"] == "message"
    assert (jupyter / "wherry-project" / "logo-svg.svg").exists()


def test_limits_and_names(run, jupyter):
    words = ("--name", "Small", "--display-name", "Small one", "--timeout", "60", "--memory", "2G")
    made = run("kernel", "install", *words, "--json")
    assert made["name"] == "small"
    spec = spec_of(jupyter / "small")
    assert spec["display_name"] == made["display_name"] == "Small one"
    assert spec["argv"][5:] == [
        "--WherryKernel.time_limit=60.0",
        f"--WherryKernel.memory_limit={2 * 1024**3}",
    ]


def test_a_kernel_on_another_machine_is_not_probed_here(run, jupyter):
    made = run("kernel", "install", "--launcher", "ssh far", "--python", "/no/python", "--json")
    assert made["name"] == "wherry-far"
    assert made["argv"][5:] == [
        "--WherryKernel.python=/no/python",
        "--WherryKernel.launcher=ssh far",
    ]


def test_only_servers_of_this_environment_are_told_of_the_provisioner(run, monkeypatch, tmp_path):
    def has_one(*words: str) -> bool:
        made = run("kernel", "install", "--json", "--replace", *words)
        return "kernel_provisioner" in made["metadata"]

    assert not has_one()  # a prefix of its own
    assert not has_one("--user")
    assert has_one("--user", "--restart-in-place")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    monkeypatch.setattr(cli.sys, "argv", ["wherry", "kernel", "install", "--replace"])
    assert cli.main() == 0
    spec = spec_of(tmp_path / "prefix" / "share" / "jupyter" / "kernels" / "wherry")
    assert spec["metadata"]["kernel_provisioner"] == {"provisioner_name": "wherry-provisioner"}


def test_an_older_kernel_is_replaced_only_when_asked(run, jupyter):
    run("kernel", "install", "--name", "one")
    (jupyter / "one" / "mine").touch()
    said = run("kernel", "install", "--name", "one", "--timeout", "1", code=1)
    assert said == (
        f"wherry: found a kernel one in {jupyter / 'one'}; give --replace, or another --name\n"
    )
    assert (jupyter / "one" / "mine").exists()
    run("kernel", "install", "--name", "one", "--timeout", "1", "--replace")
    assert spec_of(jupyter / "one")["argv"][5:] == ["--WherryKernel.time_limit=1.0"]
    assert [folder.name for folder in jupyter.iterdir()] == ["one"]
    assert not (jupyter / "one" / "mine").exists()


def test_a_folder_that_cannot_be_written(run, jupyter):
    jupyter.parent.mkdir(parents=True)
    jupyter.touch()
    said = run("kernel", "install", code=1)
    assert f"cannot write to {jupyter}" in said
    assert "--user" in said


def test_an_interpreter_that_cannot_be_used(run, tmp_path):
    old = fake(tmp_path / "old" / "bin" / "python", version="3.6.1")
    assert "at least 3.8 is needed" in run("kernel", "install", "--python", str(old), code=1)


@pytest.mark.parametrize(
    "words, expected",
    [
        ((), "required: GROUP"),
        (("kernel",), "required: VERB"),
        (("kernel", "sail"), "invalid choice: 'sail'"),
        (("kernel", "install", "--timeout", "soon"), "found 'soon', expected seconds"),
        (("kernel", "install", "--memory", "much"), "found 'much', expected bytes"),
        (("kernel", "install", "--name", "a b"), "found 'a b', expected letters"),
        (("kernel", "install", "--user", "--sys-prefix"), "not allowed with"),
        (("kernel", "remove"), "required: NAME"),
    ],
)
def test_wrong_usage(jupyter, capsys, words, expected):
    assert cli.main(words) == 64
    said = capsys.readouterr().err
    assert expected in said
    assert "--help" in said


@pytest.mark.parametrize("words", [("--help",), ("kernel", "--help"), ("kernel", "list", "-h")])
def test_help(capsys, words):
    assert cli.main(words) == 0
    assert "usage: wherry" in capsys.readouterr().out


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Two interpreters: one of an environment, one too old."""
    pythons = [
        fake_venv(tmp_path / "envs" / "blue", packages={"ipython": "9.1"}),
        fake(tmp_path / "old" / "bin" / "python", version="2.7.18"),
    ]

    async def discover():
        return [await probe(path) for path in pythons]

    monkeypatch.setattr(kernel_commands.interpreters, "discover", discover)
    return pythons


def test_the_list_says_which_kernels_use_an_interpreter(run, machine):
    run("kernel", "install", "--python", str(machine[0]))
    said = run("kernel", "list").splitlines()
    assert said[0].split() == ["NAME", "PYTHON", "KIND", "IPYTHON", "KERNELS", "PATH"]
    assert said[1].split() == ["blue", "3.12.1", "venv", "9.1", "wherry-blue", str(machine[0])]
    assert said[2] == "1 more cannot be used; --all says why"
    assert "too old" in run("kernel", "list", "--all")


def test_the_list_for_programs(run, machine):
    run("kernel", "install", "--python", str(machine[0]))
    blue, old = run("kernel", "list", "--json")
    assert (blue["name"], blue["usable"], blue["kernels"]) == ("blue", True, ["wherry-blue"])
    assert (old["usable"], old["kernels"]) == (False, [])
    assert "too old" in old["reason"]


def test_the_list_names_kernels_whose_interpreter_is_gone(run, machine, tmp_path):
    gone = fake_venv(tmp_path / "gone")
    run("kernel", "install", "--python", str(gone))
    gone.unlink()
    run("kernel", "install", "--launcher", "ssh far")
    said = run("kernel", "list")
    assert f"kernel wherry-gone uses {gone}, not found above" in said
    assert "kernel wherry-far uses " in said


def test_remove(run, jupyter):
    run("kernel", "install", "--name", "one")
    assert run("kernel", "remove", "one") == f"removed one from {jupyter / 'one'}\n"
    assert not (jupyter / "one").exists()
    run("kernel", "install", "--name", "two")
    said = run("kernel", "remove", "one", code=1)
    assert said.startswith("wherry: found no kernel one; kernels of ours: ")
    assert "two" in said


def test_kernels_of_others_are_not_removed(run, jupyter):
    (jupyter / "julia").mkdir(parents=True)
    (jupyter / "julia" / "kernel.json").write_text('{"argv": ["julia", "-i"]}')
    said = run("kernel", "remove", "julia", code=1)
    assert "no kernel of ours, it runs julia -i" in said
    assert (jupyter / "julia").exists()


def test_kernels_that_cannot_be_read_are_passed_over(run, jupyter, machine):
    for name, text in {"a": "{", "b": "[]", "c": '{"argv": null}'}.items():
        (jupyter / name).mkdir(parents=True)
        (jupyter / name / "kernel.json").write_text(text)
    assert "blue" in run("kernel", "list")


def test_probe(run, tmp_path):
    fake_venv(tmp_path / "envs" / "blue", packages={"ipython": "9.1"})
    word = str(tmp_path / "envs" / "blue")
    said = run("kernel", "probe", word)
    assert "cells run in  IPython 9.1" in said
    assert run("kernel", "probe", word, "--json")["name"] == "blue"
    assert "found no interpreter" in run("kernel", "probe", str(tmp_path), code=1)


def test_a_reader_that_went_away_is_no_failure(jupyter, monkeypatch):
    def gone(_):
        raise BrokenPipeError

    monkeypatch.setattr(kernel_commands, "_print_table", lambda *_: gone(_))
    monkeypatch.setattr(cli.sys, "stdout", sys.stdout)
    assert cli.main(("kernel", "list")) == 0


def test_an_interrupt_has_a_code_of_its_own(jupyter, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(kernel_commands.kernelspecs, "remove", interrupted)
    assert cli.main(("kernel", "remove", "one")) == 2


@pytest.mark.parametrize("launcher", [(), ("--launcher", "env NOTHING=1")])
def test_a_kernel_made_by_the_command_runs_that_interpreter(run, launcher):
    run("kernel", "install", "--name", "based", "--python", sys._base_executable, *launcher)
    manager = KernelManager(kernel_name="based")
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=30)
        found = []
        client.execute_interactive(
            "import sys; print(sys.prefix, end='')",
            timeout=30,
            output_hook=lambda m: found.append(m["content"].get("text", "")),
        )
        assert "".join(found) == sys.base_prefix
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
