"""Interpreters made of shell: they answer the probe's program as told, in a few milliseconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

#: The probe calls: path -c PROGRAM NONCE.
_ANSWER = "printf '%s%s\\n' \"$3\" {facts}"


def script(path: Path, *lines: str) -> Path:
    """Write an executable shell script, its folder included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


def facts(path: Path, **changed: Any) -> dict[str, Any]:
    prefix = str(path.parent.parent)
    return {
        "executable": str(path),
        "version": "3.12.1",
        "implementation": "cpython",
        "prefix": prefix,
        "base_prefix": prefix,
        "platform": "linux",
        "machine": "x86_64",
        "bits": 64,
        "packages": {},
        "folders": [],
        "conda": False,
        **changed,
    }


def fake(path: Path, **changed: Any) -> Path:
    """Write an interpreter that gives these facts; what is not given is that of a plain 3.12.1."""
    answer = json.dumps(facts(path, **changed)).replace("'", "'\\''")
    return script(path, _ANSWER.format(facts=f"'{answer}'"))


def fake_venv(folder: Path, **changed: Any) -> Path:
    """Write an environment whose base is somewhere else, and return its interpreter."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyvenv.cfg").write_text("home = /usr/bin\n")
    return fake(folder / "bin" / "python", **{"base_prefix": "/usr", **changed})
