"""Runs the fault tests again and again while every core is busy: `make soak`.

One round is one pytest process over everything that kills, hangs, floods or interrupts. Rounds run
side by side, which is load of its own, besides a busy loop for each core.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

FAULTS = (
    "tests/faults",
    "tests/runner/test_streams.py",
    "tests/runner/test_worker.py",
    "tests/runner/test_inputs.py",
    "tests/runner/test_interrupts.py",
    "tests/runner/test_attribution.py",
    "tests/runner/test_loop.py",
    "tests/supervisor/test_runner.py",
)


def main() -> int:
    options = _options()
    load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(_cores())]
    begin = time.monotonic()
    try:
        with ThreadPoolExecutor(options.at_once) as pool:
            results = list(pool.map(_round, range(1, options.rounds + 1)))
    finally:
        for process in load:
            process.kill()
            process.wait()
    failed = results.count(False)
    print(f"{len(results) - failed} passed, {failed} failed in {time.monotonic() - begin:.0f} s")
    return 1 if failed else 0


def _round(number: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="wherry-soak-") as folder:
        command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, f"--basetemp={folder}/tmp", "-o", "timeout=300", *FAULTS],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    lines = done.stdout.strip().splitlines()
    print(f"round {number}: {lines[-1] if lines else done.stderr}", flush=True)
    if done.returncode:
        print("\n".join(lines[-60:]), flush=True)
    return not done.returncode


def _cores() -> int:
    return os.cpu_count() or 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--at-once", type=int, default=4, help="rounds side by side (4)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
