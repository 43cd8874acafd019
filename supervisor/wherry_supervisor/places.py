"""Where interpreters are found on a machine: paths only, nothing is run.

The order of `candidates` is the order of preference: what is active now, what belongs to the
folder, what the PATH gives, what runs us, environments, and then installations. Shims
(small scripts of pyenv, asdf or mise that pick an interpreter when they are started) are left out:
what they may pick is found in its own place.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Origin = Literal["active", "folder", "path", "running", "environment", "installation"]

_WINDOWS = os.name == "nt"  # its layouts are written from documentation, not tried

_COMMAND = re.compile(r"(?:python|pypy)(?:\d(?:\.\d+)?t?)?(?:\.exe)?")

#: Where environments keep their interpreter; conda on Windows has none of the folders.
_BINARIES = ("Scripts", ".") if _WINDOWS else ("bin",)
_FIRST_NAMES = ("python.exe", "pypy.exe") if _WINDOWS else ("python", "python3", "pypy3", "pypy")

_CONDA_ROOTS = ("anaconda3", "miniconda3", "miniforge3", "mambaforge", "micromamba", "conda")


@dataclass(frozen=True)
class Candidate:
    """A path that looks like an interpreter, and why it was looked at."""

    path: Path
    origin: Origin


@dataclass(frozen=True)
class Surroundings:
    """The machine to look at. Tests give a folder of their own as `root`."""

    env: Mapping[str, str]
    home: Path
    #: The interpreter that runs us; None where there is none to offer.
    running: Path | None
    root: Path = Path("/")

    @classmethod
    def here(cls) -> Surroundings:
        running = Path(sys.executable) if sys.executable else None
        return cls(env=os.environ, home=Path(os.path.expanduser("~")), running=running)  # noqa: PTH111 - Path.home() may raise

    def folder(self, variable: str, *default: str) -> Path:
        """Return the folder that a variable names, or a place below the home folder."""
        value = self.env.get(variable)
        return Path(value) if value else self.home.joinpath(*default)

    def named(self, *variables: str) -> Iterator[Path]:
        """Yield the folders that are set in these variables; each may hold several."""
        for variable in variables:
            for value in self.env.get(variable, "").split(os.pathsep):
                if value and os.path.isabs(value):  # noqa: PTH117 - of the text, before it is a path
                    yield Path(value)


def candidates(around: Surroundings, *, folder: Path | None = None) -> list[Candidate]:
    """List each interpreter once, by the first of its paths, in order of preference."""
    found: dict[tuple[str, str], Candidate] = {}
    for candidate in _all(around, folder):
        found.setdefault(identity(candidate.path), candidate)
    return list(found.values())


def identity(path: Path) -> tuple[str, str]:
    """Return what makes an interpreter different from another one.

    A venv's ``bin/python`` is a link to its base, so following links would lose the venv: an
    environment is its own folder, anything else is the file behind the links.
    """
    home = path.parent.parent
    if (home / "pyvenv.cfg").is_file():
        return "environment", os.path.realpath(home)
    return "file", os.path.realpath(path)


def interpreter_in(folder: Path) -> Path | None:
    """Return the interpreter of an environment or installation, broken links included."""
    for binaries in _BINARIES:
        for name in _FIRST_NAMES:
            path = folder / binaries / name
            if os.path.lexists(path):
                return path
        for path in _commands(folder / binaries):
            return path
    return None


def on_path(around: Surroundings, name: str) -> Path | None:
    """Return what a shell would start, a shim included; relative entries of PATH are not used."""
    names = (name, f"{name}.exe") if _WINDOWS else (name,)
    for folder in around.named("PATH"):
        for each in names:
            path = folder / each
            if path.is_file() and os.access(path, os.X_OK):
                return path
    return None


def is_shim(path: Path) -> bool:
    return path.parent.name in {"shims", "WindowsApps"}


def parse_py_list(text: str) -> list[str]:
    r"""Read lines such as `` -V:3.12 *   C:\Python312\python.exe``, in the old style or the new."""
    found = (re.match(r"\s*-\S+\s+(?:\*\s*)?(\S.*\.exe)\s*$", line) for line in text.splitlines())
    return [each[1] for each in found if each]


# --- The places ---------------------------------------------------------------------------------


def _all(around: Surroundings, folder: Path | None) -> Iterator[Candidate]:
    yield from _of(around.named("VIRTUAL_ENV", "CONDA_PREFIX"), "active")
    if folder is not None:
        yield from _of(_near(folder), "folder")
    for path in around.named("PATH"):
        yield from (Candidate(each, "path") for each in _commands(path))
    if around.running is not None:
        yield Candidate(around.running, "running")
    yield from _of(_virtualenvs(around), "environment")
    yield from _of(_conda(around), "environment")
    yield from _of(_pyenv(around), "installation")
    yield from _of(_children(around.folder("UV_PYTHON_INSTALL_DIR", *_uv(around))), "installation")
    for path in _system(around):
        yield from (Candidate(each, "installation") for each in _commands(path))


def _of(environments: Iterable[Path], origin: Origin) -> Iterator[Candidate]:
    for environment in environments:
        path = interpreter_in(environment)
        if path is not None:
            yield Candidate(path, origin)


def _near(folder: Path) -> Iterator[Path]:
    """Yield `folder` if it is an environment, and the nearest ``.venv`` and ``venv`` upwards.

    Probing runs what is found, so an environment that a stranger left in a shared folder above
    (/tmp/.venv) must not count: it has to belong to us, to root or to the owner of `folder`.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - the way up is the one that is seen
    trusted = {_owner(folder), 0, getattr(os, "geteuid", lambda: 0)()}
    if _is_environment(folder):
        yield folder
    for above in (folder, *folder.parents):
        here = [above / name for name in (".venv", "venv") if _is_environment(above / name)]
        here = [environment for environment in here if _owner(environment) in trusted]
        if here:
            yield from here
            return


def _owner(path: Path) -> int:
    try:
        return path.stat().st_uid
    except OSError:
        return -1


def _is_environment(folder: Path) -> bool:
    return any(os.path.exists(folder / mark) for mark in ("pyvenv.cfg", "conda-meta"))  # noqa: PTH110 - no permission is no error


def _environments(folder: Path, *, depth: int = 1) -> Iterator[Path]:
    """Yield the environments up to `depth` folders below."""
    for child in _children(folder):
        if _is_environment(child):
            yield child
        elif depth > 1:
            yield from _environments(child, depth=depth - 1)


def _virtualenvs(around: Surroundings) -> Iterator[Path]:
    data, cache = _data(around), _cache(around)
    poetry = around.env.get("POETRY_CACHE_DIR")
    yield from _environments(around.folder("WORKON_HOME", ".virtualenvs"))
    yield from _environments(data / "virtualenvs")  # pipenv
    yield from _environments(Path(poetry or cache / "pypoetry") / "virtualenvs")
    for folder in around.named("POETRY_VIRTUALENVS_PATH"):
        yield from _environments(folder)
    hatch = around.env.get("HATCH_DATA_DIR")
    # Below it: project, hash of its folder, environment.
    yield from _environments(Path(hatch or data / "hatch") / "env" / "virtual", depth=3)


def _conda(around: Surroundings) -> Iterator[Path]:
    for root in _conda_roots(around):
        if _is_environment(root):
            yield root
        yield from _environments(root / "envs")
    for folder in around.named("CONDA_ENVS_PATH", "CONDA_ENVS_DIRS"):
        yield from _environments(folder)
    yield from _environments(around.home / ".conda" / "envs")
    for line in _lines(around.home / ".conda" / "environments.txt"):
        yield Path(line)


def _conda_roots(around: Surroundings) -> Iterator[Path]:
    for program in around.named("CONDA_EXE", "MAMBA_EXE"):
        yield program.parent.parent
    yield from around.named("MAMBA_ROOT_PREFIX")
    for parent in (around.home, around.root / "opt"):
        yield from (parent / name for name in _CONDA_ROOTS)


def _pyenv(around: Surroundings) -> Iterator[Path]:
    """Yield versions of pyenv, the virtualenvs inside them, and versions of asdf and mise."""
    homes = [around.folder("PYENV_ROOT", ".pyenv")]
    homes += [path.parent for path in around.named("PATH") if path.name == "shims"]
    homes += [around.folder("ASDF_DATA_DIR", ".asdf"), _data(around) / "mise"]
    for home in dict.fromkeys(homes):
        for version in (*_children(home / "versions"), *_children(home / "installs" / "python")):
            yield version
            yield from _environments(version / "envs")


def _system(around: Surroundings) -> Iterator[Path]:
    root = around.root
    frameworks = root / "Library" / "Frameworks" / "Python.framework" / "Versions"
    folders = [root / "usr" / "local" / "bin", root / "opt" / "homebrew" / "bin"]
    folders += [path / "bin" for path in (*_children(root / "opt"), *_children(frameworks))]
    if _has_system_python(root):
        folders.insert(0, root / "usr" / "bin")
    yield from folders


def _has_system_python(root: Path) -> bool:
    """Without the developer tools, macOS's /usr/bin/python3 opens a dialogue that offers them."""
    if sys.platform != "darwin":
        return True
    tools = ("Library/Developer/CommandLineTools", "Applications/Xcode.app")
    return any((root / tool).exists() for tool in tools)


def _commands(folder: Path) -> list[Path]:
    """Return the interpreters of a folder of programs, the plainest name first."""
    paths = [folder / name for name in _names(folder) if _COMMAND.fullmatch(name)]
    runnable = [path for path in paths if not is_shim(path) and os.access(path, os.X_OK)]
    return sorted(runnable, key=lambda path: (len(path.name), path.name))


def _children(folder: Path) -> list[Path]:
    return [folder / name for name in _names(folder) if os.path.isdir(folder / name)]  # noqa: PTH112 - no permission is no error


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - names are wanted, and sorted
    except OSError:
        return []


def _lines(file: Path) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return []
    return [line.strip() for line in text.splitlines() if line.strip()]


def _data(around: Surroundings) -> Path:
    default = (
        ("Library", "Application Support") if sys.platform == "darwin" else (".local", "share")
    )
    return around.folder("XDG_DATA_HOME", *default)


def _cache(around: Surroundings) -> Path:
    default = ("Library", "Caches") if sys.platform == "darwin" else (".cache",)
    return around.folder("XDG_CACHE_HOME", *default)


def _uv(around: Surroundings) -> tuple[str, ...]:
    """Return uv's folder as parts below the home folder; also on macOS it follows XDG."""
    data = around.env.get("XDG_DATA_HOME")
    return (data, "uv", "python") if data else (".local", "share", "uv", "python")
