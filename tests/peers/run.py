"""Run the tests of ipykernel, nbclient and papermill with ipykernel and with wherry.

Their suites start a kernel named python3, so each run gets a folder of kernelspecs in which that
name means the kernel under test. What differs has to stand in `differences.toml`, with its reason.
Sources come from the package index; all that is made lies in `build/peers`. Takes minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from comparison import Comparison, Outcomes, ill_formed, is_clean, outcomes_of, report

# Python 3.10 has no tomllib; pytest brings its ancestor there.
tomllib = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "peers"
DIFFERENCES = Path(__file__).with_name("differences.toml")

#: The module that starts each kernel. The first one is the reference.
KERNELS = {"ipykernel": "ipykernel_launcher", "wherry": "wherry_kernel"}

#: The slowest suite takes two minutes on two cores; one that needs this long hangs.
PATIENCE = 1200

#: pytest's answers that come with a complete list of outcomes: all passed, some failed.
COMPLETE = (0, 1)

#: Their settings turn warnings into errors and ask for coverage; we look at the kernel only.
PYTEST = (
    *("-q", "-p", "no:cacheprovider", "--timeout", "60"),
    *("-o", "addopts=", "-o", "filterwarnings=default"),
    *("-o", "asyncio_default_fixture_loop_scope=function"),
)


@dataclass(frozen=True)
class Suite:
    name: str
    version: str
    tests: tuple[str, ...]

    @property
    def folder(self) -> Path:
        return WORK / f"{self.name}-{self.version}"


# The files that talk to a kernel from outside. The others import the project's own classes.
SUITES = (
    Suite(
        "ipykernel",
        "7.4.0",
        (
            "tests/test_message_spec.py",
            "tests/test_kernel.py",
            "tests/test_async.py",
            "tests/test_debugger.py",
            "tests/test_subshells.py",
        ),
    ),
    Suite("nbclient", "0.11.0", ("tests/test_client.py",)),
    Suite(
        "papermill",
        "2.7.0",
        (
            "papermill/tests/test_execute.py",
            "papermill/tests/test_engines.py",
            "papermill/tests/test_autosave.py",
        ),
    ),
)


def main() -> int:
    options = _arguments()
    chosen = [suite for suite in SUITES if options.suite in (None, suite.name)]
    reasons = _reasons()
    if options.list:
        _list(chosen, reasons)
        return 0
    for suite in chosen:
        fetch(suite)
    comparisons = [compare(suite, reasons.get(suite.name, {})) for suite in chosen]
    print(f"\nwherry {version('wherry')} beside ipykernel {version('ipykernel')}\n")
    print(report(comparisons))
    return 0 if is_clean(comparisons) else 1


def compare(suite: Suite, reasons: dict[str, str]) -> Comparison:
    reference, ours = (outcomes_with(kernel, suite) for kernel in KERNELS)
    return Comparison(suite.name, reference, ours, reasons)


def fetch(suite: Suite) -> None:
    """Download and unpack the sources, unless an earlier run has."""
    if suite.folder.exists():
        return
    WORK.mkdir(parents=True, exist_ok=True)
    print(f"fetching {suite.name} {suite.version}", flush=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "download"]
    # Only this one as sources: pip asks for its metadata, and what that takes may come built.
    how = ["--no-deps", "--no-binary", suite.name, "--dest", str(WORK)]
    subprocess.run([*pip, *how, f"{suite.name}=={suite.version}"], check=True)
    shutil.unpack_archive(f"{suite.folder}.tar.gz", WORK, filter="data")


def outcomes_with(kernel: str, suite: Suite) -> Outcomes:
    print(f"{suite.name} with {kernel} ...", flush=True)
    stem = WORK / f"{suite.name}-with-{kernel}"
    results = stem.with_suffix(".xml")
    results.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", *suite.tests, *PYTEST, f"--junitxml={results}"]
    environment = _environment(kernel)
    _check_kernelspec(kernel, environment)
    with stem.with_suffix(".log").open("wb") as log:
        code = subprocess.run(
            command,
            cwd=suite.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            check=False,
        ).returncode
    if code not in COMPLETE:
        raise SystemExit(f"pytest ended with {code} instead of results; see {log.name}")
    return outcomes_of(results.read_text("utf-8"))


def _environment(kernel: str) -> dict[str, str]:
    """Folders of its own for each kernel: nobody's settings, profile or history take part."""
    home = WORK / "with" / kernel
    _write_kernelspec(home / "kernels" / "python3", KERNELS[kernel])
    folders = {
        "JUPYTER_PATH": home,
        "JUPYTER_CONFIG_DIR": home / "config",
        "IPYTHONDIR": home / "ipython",
    }
    return os.environ | {name: str(folder) for name, folder in folders.items()}


def _write_kernelspec(folder: Path, module: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    spec = {
        "argv": [sys.executable, "-m", module, "-f", "{connection_file}"],
        "display_name": "Python 3",
        "language": "python",
        "interrupt_mode": "signal" if module == "ipykernel_launcher" else "message",
        "metadata": {"debugger": True},
    }
    (folder / "kernel.json").write_text(json.dumps(spec), "utf-8")


def _check_kernelspec(kernel: str, environment: dict[str, str]) -> None:
    """Make sure of the kernel: two runs with the same one would agree about everything."""
    code = "from jupyter_client.kernelspec import get_kernel_spec as g; print(g('python3').argv)"
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    if KERNELS[kernel] not in found.stdout:
        raise SystemExit(f"python3 should start {KERNELS[kernel]}, but starts {found.stdout}")


def _reasons() -> dict[str, dict[str, str]]:
    reasons: dict[str, dict[str, str]] = tomllib.loads(DIFFERENCES.read_text("utf-8"))
    wrong = [test for of_suite in reasons.values() for test in ill_formed(of_suite)]
    if wrong:
        raise SystemExit(f"{DIFFERENCES}: reasons of an unknown kind for {', '.join(wrong)}")
    return reasons


def _list(suites: list[Suite], reasons: dict[str, dict[str, str]]) -> None:
    for suite in suites:
        print(suite.name, suite.version, *suite.tests, sep="\n  ")
        for test, reason in reasons.get(suite.name, {}).items():
            print(f"  {test}\n    {reason}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--suite", choices=[suite.name for suite in SUITES])
    parser.add_argument("--list", action="store_true", help="suites and known differences, no run")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
