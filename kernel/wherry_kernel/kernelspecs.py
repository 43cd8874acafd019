"""Kernelspecs: the folders by which Jupyter knows kernels. Ours are written here, all are read."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherry_kernel.errors import KernelspecError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RESOURCES = Path(__file__).parent / "resources"
MODULE = "wherry_kernel"
PROVISIONER = {"provisioner_name": "wherry-provisioner"}

_NAME = re.compile(r"[a-z0-9._-]+")
_PYTHON = "--WherryKernel.python="
_LAUNCHER = "--WherryKernel.launcher="


@dataclass(frozen=True)
class Kernelspec:
    """One folder with a ``kernel.json``."""

    name: str
    folder: Path
    content: Mapping[str, Any]

    @property
    def argv(self) -> list[str]:
        return [str(word) for word in self.content.get("argv") or ()]

    @property
    def is_ours(self) -> bool:
        return MODULE in self.argv

    @property
    def python(self) -> str | None:
        """The interpreter that runs user code, if it is one of this machine."""
        if any(word.startswith(_LAUNCHER) for word in self.argv):
            return None
        for word in self.argv if self.is_ours else ():
            if word.startswith(_PYTHON):
                return word.removeprefix(_PYTHON)
        first = self.argv[0] if self.argv else None
        # jupyter_client takes these words for the Python of whoever starts the kernel.
        if first in {"python", f"python{sys.version_info[0]}"}:
            return sys.executable
        return first


def content(
    *, display_name: str, settings: Mapping[str, object], restarts_in_place: bool
) -> dict[str, Any]:
    """Return a ``kernel.json`` for this installation of ours, with `settings` on its command line.

    `restarts_in_place` names our provisioner. A server whose own environment does not have it
    neither lists nor starts such a kernel, so it belongs only where both are the same.
    """
    spec: dict[str, Any] = json.loads((RESOURCES / "kernel.json").read_text("utf-8"))
    given = {name: value for name, value in settings.items() if value is not None}
    spec["argv"][0] = sys.executable
    spec["argv"] += [f"--WherryKernel.{name}={value}" for name, value in given.items()]
    spec["display_name"] = display_name
    if not restarts_in_place:
        spec["metadata"].pop("kernel_provisioner", None)
    return spec


def directory(*, user: bool, prefix: str | None) -> Path:
    """Return the folder of kernels for a user, below a prefix, or below our own prefix."""
    if user:
        from jupyter_core.paths import jupyter_data_dir

        return Path(jupyter_data_dir(), "kernels")
    return Path(prefix or sys.prefix, "share", "jupyter", "kernels")


def check_name(name: str) -> str:
    """Return a name that Jupyter takes, or raise ValueError."""
    if not _NAME.fullmatch(name.lower()):
        raise ValueError(name)
    return name.lower()


def slug(text: str) -> str:
    """Make a name of any text."""
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-") or "python"


def install(kernels: Path, name: str, spec: Mapping[str, Any], *, replace: bool) -> Path:
    """Write the folder of a kernel, complete or not at all.

    Raises:
        KernelspecError: There is one of that name already, or the folder cannot be written.
    """
    target = kernels / name
    if target.exists() and not replace:
        raise KernelspecError(
            f"found a kernel {name} in {target}; give --replace, or another --name"
        )
    try:
        kernels.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kernels, prefix=".wherry-") as scratch:
            made = Path(scratch, name)
            made.mkdir()
            for logo in RESOURCES.glob("logo-*"):
                shutil.copyfile(logo, made / logo.name)
            (made / "kernel.json").write_text(json.dumps(spec, indent=1) + "\n", "utf-8")
            if target.exists():
                target.rename(Path(scratch, "old"))
            made.rename(target)
    except OSError as error:
        reason = error.strerror or error
        raise KernelspecError(
            f"cannot write to {kernels}: {reason}; --user or --prefix name another place"
        ) from error
    return target


def find_all() -> list[Kernelspec]:
    """Return all kernels on Jupyter's path that can be read, also those that cannot be started."""
    from jupyter_client.kernelspec import KernelSpecManager

    manager = KernelSpecManager(ensure_native_kernel=False)
    specs = []
    for name, folder in sorted(manager.find_kernel_specs().items()):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            text = Path(folder, "kernel.json").read_text("utf-8")
            specs.append(Kernelspec(name, Path(folder), dict(json.loads(text).items())))
    return specs


def remove(name: str) -> Path:
    """Delete the folder of one of our kernels and return where it was.

    Raises:
        KernelspecError: There is none of that name, it is not ours, or it cannot be deleted.
    """
    specs = {spec.name: spec for spec in find_all()}
    spec = specs.get(name.lower())
    if spec is None:
        ours = ", ".join(each.name for each in specs.values() if each.is_ours) or "none"
        raise KernelspecError(f"found no kernel {name}; kernels of ours: {ours}")
    if not spec.is_ours:
        raise KernelspecError(
            f"{name} is no kernel of ours, it runs {_command(spec.argv)}; "
            f"`jupyter kernelspec remove {name}` removes any"
        )
    try:
        if spec.folder.is_symlink():
            spec.folder.unlink()
        else:
            shutil.rmtree(spec.folder)
    except OSError as error:
        raise KernelspecError(f"cannot remove {spec.folder}: {error.strerror or error}") from error
    return spec.folder


def is_same_interpreter(one: str, other: str) -> bool:
    """Say whether two paths start the same environment.

    A venv's interpreter is a link to its base's, so the folder counts as well.
    """
    if os.path.abspath(one) == os.path.abspath(other):  # noqa: PTH100 - resolve() leaves the venv
        return True
    folders = {os.path.realpath(Path(each).parent) for each in (one, other)}
    return len(folders) == 1 and os.path.realpath(one) == os.path.realpath(other)


def _command(argv: Sequence[str]) -> str:
    return " ".join(argv[:3]) or "nothing"
