"""All interpreters of a machine, and the one that a word means."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.supervisor.fake_pythons import fake, fake_venv, script
from wherry_supervisor import interpreters
from wherry_supervisor.errors import EnvironmentNotFound
from wherry_supervisor.interpreters import discover, resolve
from wherry_supervisor.places import Surroundings
from wherry_supervisor.probe_cache import ProbeCache

pytestmark = pytest.mark.asyncio

PYENV = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
REAL = [path.parent.parent for path in PYENV.glob("versions/[23].*/bin/python")]


class Machine:
    """A machine below a temporary folder, and short ways to ask about it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "home"
        self.project = root / "project"
        self.project.mkdir()
        self.env: dict[str, str] = {}
        self.cache = ProbeCache(root / "cache.json")

    @property
    def around(self) -> Surroundings:
        return Surroundings(env=self.env, home=self.home, running=None, root=self.root / "root")

    async def discover(self):
        return await discover(folder=self.project, around=self.around, cache=self.cache)

    async def resolve(self, word: str) -> Path:
        found = await resolve(word, folder=self.project, around=self.around, cache=self.cache)
        assert found.usable
        return Path(found.path)

    async def refusal(self, word: str) -> str:
        with pytest.raises(EnvironmentNotFound) as caught:
            await self.resolve(word)
        return str(caught.value)

    def pyenv(self, version: str) -> Path:
        return fake(self.home / ".pyenv" / "versions" / version / "bin" / "python", version=version)

    def named(self, name: str, version: str = "3.12.9") -> Path:
        return fake_venv(self.home / ".virtualenvs" / name, version=version)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


async def test_all_are_listed_usable_or_with_their_reason(machine) -> None:
    machine.pyenv("3.12.1")
    machine.pyenv("3.7.16")
    script(machine.root / "root" / "usr" / "bin" / "python3", "exit 4")
    found = {Path(each.path): each for each in await machine.discover()}
    assert [each.usable for each in found.values()] == [True, False, False]
    assert sorted(each.reason for each in found.values()) == [
        "",
        "it ended with exit code 4",
        "too old: Python 3.7.16, and at least 3.8 is needed",
    ]


async def test_copies_in_one_prefix_are_listed_once(machine) -> None:
    binaries = machine.root / "root" / "usr" / "bin"
    prefix = str(machine.root / "root" / "usr")
    for name in ("python3", "python3.12"):
        fake(binaries / name, prefix=prefix, base_prefix=prefix)
    assert [Path(each.path).name for each in await machine.discover()] == ["python3"]


async def test_two_versions_in_one_prefix_are_two(machine) -> None:
    for version in ("3.11.2", "3.12.1"):
        fake(machine.root / "root" / "usr" / "bin" / f"python{version[:4]}", version=version)
    assert [each.version for each in await machine.discover()] == ["3.11.2", "3.12.1"]


async def test_the_second_look_starts_nothing(machine, monkeypatch) -> None:
    machine.pyenv("3.12.1")
    first = await machine.discover()

    async def refuse(*_, **__):
        raise AssertionError("an interpreter was started")

    monkeypatch.setattr(interpreters, "probe", refuse)
    machine.cache = ProbeCache(machine.root / "cache.json")
    assert await machine.discover() == first


async def test_the_users_cache_is_used_when_none_is_given(machine, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(machine.root / "xdg"))
    machine.pyenv("3.12.1")
    await discover(around=machine.around)
    assert (machine.root / "xdg" / "wherry" / "interpreters.json").exists()


@pytest.mark.skipif(not REAL, reason="there are no interpreters of pyenv here")
async def test_the_real_interpreters_of_this_machine_are_found(tmp_path) -> None:
    found = await discover(cache=ProbeCache(tmp_path / "cache.json"))
    versions = {each.prefix: each.version for each in found if each.kind == "pyenv"}
    assert versions == {str(folder): folder.name for folder in REAL}


# --- Words ---


async def test_a_path_means_itself(machine) -> None:
    python = machine.pyenv("3.12.1")
    assert await machine.resolve(str(python)) == python
    assert await machine.resolve("~/.pyenv/versions/3.12.1/bin/python") == python


async def test_a_folder_means_the_interpreter_in_it(machine) -> None:
    python = fake_venv(machine.project / ".venv")
    for word in (".venv", "./.venv", str(machine.project / ".venv")):
        assert await machine.resolve(word) == python


async def test_a_folder_beside_the_notebook_is_known_by_its_bare_name(machine) -> None:
    python = fake_venv(machine.project / "myenv")
    assert await machine.resolve("myenv") == python


async def test_a_version_means_the_newest_installation_that_fits(machine) -> None:
    for version in ("3.9.18", "3.12.1", "3.12.10", "3.12.2"):
        machine.pyenv(version)
    assert "3.12.10" in str(await machine.resolve("3.12"))
    assert "3.12.2" in str(await machine.resolve("3.12.2"))
    assert "3.9.18" in str(await machine.resolve("python3.9"))
    assert "3.12.10" in str(await machine.resolve("3"))


async def test_a_version_never_means_somebodys_environment(machine) -> None:
    machine.named("other-project", "3.12.9")
    machine.pyenv("3.12.1")
    assert "3.12.1" in str(await machine.resolve("3.12"))


async def test_a_version_means_the_projects_venv_where_it_fits(machine) -> None:
    python = fake_venv(machine.project / ".venv", version="3.12.0")
    machine.pyenv("3.12.1")
    machine.pyenv("3.11.1")
    assert await machine.resolve("3.12") == python
    assert await machine.resolve("3.11") != python


async def test_pypy_is_meant_only_by_its_name(machine) -> None:
    machine.pyenv("3.9.18")
    pypy = fake(
        machine.home / ".pyenv" / "versions" / "pypy3.10" / "bin" / "pypy3",
        version="3.10.13",
        implementation="pypy",
    )
    assert await machine.resolve("pypy3") == await machine.resolve("pypy3.10") == pypy
    assert "3.9.18" in str(await machine.resolve("3"))
    assert "found no interpreter for 3.10" in await machine.refusal("3.10")


async def test_a_command_means_what_a_shell_would_start(machine) -> None:
    machine.pyenv("3.12.1")
    python = fake(machine.root / "bin" / "python3", version="3.10.2")
    machine.env["PATH"] = str(python.parent)
    assert await machine.resolve("python3") == python


async def test_a_shim_means_the_interpreter_that_it_picks(machine) -> None:
    python = machine.pyenv("3.12.1")
    shim = machine.home / ".pyenv" / "shims" / "python3"
    script(shim, f'exec {python} "$@"')
    machine.env["PATH"] = str(shim.parent)
    assert await machine.resolve("python3") == python


async def test_a_shim_that_picks_nothing_is_passed_over(machine) -> None:
    python = machine.pyenv("3.9.18")
    shim = script(machine.home / ".pyenv" / "shims" / "python3.9", "exit 127")
    machine.env["PATH"] = str(shim.parent)
    assert await machine.resolve("python3.9") == python


async def test_an_environment_is_known_by_its_name(machine) -> None:
    python = machine.named("analysis")
    assert await machine.resolve("analysis") == python


async def test_a_conda_environment_is_known_by_its_name(machine) -> None:
    folder = machine.home / "miniconda3" / "envs" / "geo"
    (folder / "conda-meta").mkdir(parents=True)
    python = fake(folder / "bin" / "python", conda=True)
    assert await machine.resolve("geo") == python


async def test_a_venv_is_known_by_its_projects_name(machine) -> None:
    python = fake_venv(machine.project / ".venv")
    assert await machine.resolve("project") == python


# --- Refusals: what was found, what was expected, what to do ---


async def test_nothing_at_all(machine) -> None:
    assert await machine.refusal("3.12") == (
        "found no interpreter for 3.12, only none at all. "
        "`wherry kernel list` shows what was found; a path always works."
    )


async def test_an_empty_word_is_refused(machine) -> None:
    assert "expected the path of an interpreter" in await machine.refusal("  ")


async def test_a_missing_version_lists_a_few_that_are_there(machine) -> None:
    for minor in range(8, 16):
        machine.pyenv(f"3.{minor}.1")
    text = await machine.refusal("3.7")
    assert "3.10.1 (" in text
    assert "2 more" in text


async def test_a_version_that_is_too_old_says_so(machine) -> None:
    machine.pyenv("3.7.16")
    machine.pyenv("3.12.1")
    assert "too old: Python 3.7.16, and at least 3.8 is needed" in await machine.refusal("3.7")


async def test_a_broken_path_says_why(machine) -> None:
    path = script(machine.root / "python", "exit 9")
    text = await machine.refusal(str(path))
    assert text.startswith(f"{path} cannot be used: it ended with exit code 9. ")


async def test_a_broken_command_says_why(machine) -> None:
    path = script(machine.root / "bin" / "python3", "exit 9")
    machine.env["PATH"] = str(path.parent)
    assert await machine.refusal("python3") == (
        f"python3 ({path}) cannot be used: it ended with exit code 9. "
        "`wherry kernel list` shows what was found; a path always works."
    )


async def test_a_folder_without_an_interpreter_says_what_was_expected(machine) -> None:
    text = await machine.refusal(str(machine.home.parent))
    assert "found no interpreter in the folder" in text
    assert "expected bin/python" in text


async def test_an_unknown_name_lists_the_known_ones(machine) -> None:
    python = machine.named("analysis")
    assert f"only analysis ({python})" in await machine.refusal("analyses")


async def test_a_name_that_two_bear_is_refused_with_both_paths(machine) -> None:
    paths = [machine.named("web"), fake_venv(machine.home / ".local/share/virtualenvs/web")]
    text = await machine.refusal("web")
    assert "found 2 environments named web" in text
    assert all(str(path) in text for path in paths)


async def test_a_named_environment_that_is_broken_says_why(machine) -> None:
    machine.named("old", "3.6.9")
    assert "too old" in await machine.refusal("old")
