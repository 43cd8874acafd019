"""What an interpreter can say of itself: the program that asks it, and the record of its answer.

The program works from Python 2.7 on, imports nothing that is slow, and finds packages by the
names of their folders, so that an answer costs little more than the interpreter's start.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Final

Kind = Literal["venv", "conda", "pyenv", "uv", "system"]

#: The runner uses f-strings, walrus and positional-only parameters.
MINIMUM: Final = (3, 8)

#: Written for every Python since 2.7, and to fd 1 itself because sitecustomize may replace
#: sys.stdout. It leaves by os._exit so that neither exit handlers nor threads can hold it.
PROGRAM = r"""
import sys
if sys.path and sys.path[0] in ("", "."):
    del sys.path[0]
import json, os
def text(value):
    return value if not isinstance(value, bytes) else value.decode("utf-8", "replace")
wanted = ("ipython", "debugpy", "matplotlib", "numpy")
packages, folders = {}, []
for folder in sys.path:
    try:
        names = os.listdir(folder)
    except (OSError, TypeError):
        names = []
    if "site-packages" in folder or "dist-packages" in folder:
        folders.append(text(folder))
    for name in [os.path.basename(folder)] + names:
        stem, suffix = os.path.splitext(name.lower())
        parts = stem.split("-")
        if parts[0] not in wanted:
            continue
        if suffix in (".dist-info", ".egg-info", ".egg") and len(parts) > 1:
            packages[parts[0]] = packages.get(parts[0]) or text(parts[1])
        elif suffix in ("", ".py") and len(parts) == 1:
            packages.setdefault(parts[0], "")
site = sys.modules.get("site")
if site is not None and getattr(site, "ENABLE_USER_SITE", False):
    folders.append(text(getattr(site, "USER_SITE", None) or ""))
base = getattr(sys, "real_prefix", None) or getattr(sys, "base_prefix", None) or sys.prefix
implementation = getattr(getattr(sys, "implementation", None), "name", None)
if implementation is None:
    implementation = "pypy" if "PyPy" in sys.version else "cpython"
machine = os.environ.get("PROCESSOR_ARCHITECTURE", "")
if hasattr(os, "uname"):
    machine = os.uname()[4]
facts = {
    "executable": text(sys.executable or ""),
    "version": sys.version.split()[0],
    "implementation": implementation,
    "prefix": text(sys.prefix),
    "base_prefix": text(base),
    "platform": sys.platform,
    "machine": machine,
    "bits": 64 if sys.maxsize > 2 ** 32 else 32,
    "packages": packages,
    "folders": folders,
    "conda": os.path.isdir(os.path.join(sys.prefix, "conda-meta")),
}
answer = (sys.argv[1] + json.dumps(facts) + "\n").encode("ascii")
while answer:
    answer = answer[os.write(1, answer):]
os._exit(0)
"""


@dataclass(frozen=True)
class Probe:
    """What an interpreter said of itself, or why it cannot be used."""

    #: As it was found; start the interpreter by this. In a venv it is the venv's own link.
    path: str
    usable: bool
    #: Why it is not usable, in words; empty when it is.
    reason: str = ""
    version: str = ""
    implementation: str = ""
    executable: str = ""
    prefix: str = ""
    base_prefix: str = ""
    platform: str = ""
    machine: str = ""
    bits: int = 0
    kind: Kind = "system"
    #: Versions of ``ipython debugpy matplotlib numpy`` where installed; "" when unknown.
    packages: Mapping[str, str] = field(default_factory=dict)
    #: Where its packages live; a change there makes a cached answer stale.
    folders: tuple[str, ...] = ()

    @property
    def ipython(self) -> str | None:
        return self.packages.get("ipython")

    @property
    def number(self) -> tuple[int, ...]:
        """The version to compare with: (3, 13, 0) for "3.13.0rc1+"; empty when unknown."""
        found = re.match(r"\d+(\.\d+)*", self.version)
        return tuple(int(n) for n in found[0].split(".")) if found else ()

    @property
    def name(self) -> str:
        """What people call it: an environment by its folder, ``.venv`` by its project's."""
        folder = Path(self.prefix or Path(self.path).parent.parent)
        if self.kind == "venv" and folder.name in {".venv", "venv"}:
            folder = folder.parent
        command = "pypy" if self.implementation == "pypy" else "python"
        return folder.name if self.kind != "system" else f"{command}{self.version}"


def from_facts(path: str, facts: dict[str, Any]) -> Probe:
    """Build a probe from what `PROGRAM` prints; raises ValueError and its like for other shapes."""
    texts = ("executable", "version", "implementation", "prefix", "base_prefix")
    values = {name: str(facts[name]) for name in (*texts, "platform", "machine")}
    if not re.match(r"\d+\.\d+", values["version"]):
        raise ValueError(values["version"])
    return Probe(
        path,
        usable=True,
        bits=int(facts["bits"]),
        kind=_kind(values["prefix"], values["base_prefix"], conda=bool(facts["conda"])),
        packages={str(k): str(v) for k, v in facts["packages"].items()},
        folders=tuple(str(folder) for folder in facts["folders"] if folder),
        **values,
    )


def _kind(prefix: str, base_prefix: str, *, conda: bool) -> Kind:
    if prefix != base_prefix:
        return "venv"
    if conda:
        return "conda"
    store = Path(prefix).parent
    if store.name == "versions" and _is_home(store.parent, "PYENV_ROOT", names={"pyenv", ".pyenv"}):
        return "pyenv"
    if store.parts[-2:] == ("uv", "python") or _is_home(store, "UV_PYTHON_INSTALL_DIR"):
        return "uv"
    return "system"


def _is_home(folder: Path, variable: str, *, names: Collection[str] = ()) -> bool:
    return folder.name in names or str(folder) == os.environ.get(variable, "").rstrip("/\\")
