"""Measure kernels side by side in one run: `make bench`, or `--help` for a part of it.

Kernels take turns within each round (A B C, then C B A), so that a slow minute of the machine
hits all of them. `README.md` beside this file says how to read the table.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import zmq
from jupyter_client.kernelspec import KernelSpecManager
from session import HungError, Kernel

REFERENCE = "python3"

#: Longest wait for an answer to an interrupt; the slowest default among the kernels is 10 s.
PATIENCE = 14.0

#: `jupyter_client`'s restarter looks every 3 s: on average a death is seen half of that later.
RESTARTER_DELAY = 1.5

LINES = 100_000
STREAM_MB = 50
DISPLAY_MB = 30

START = "start to kernel_info [ms]"

#: What a kernel that is hung, dead or talks nonsense looks like from here.
LOST = (HungError, RuntimeError, OSError, ValueError, zmq.ZMQError)

Values = dict[str, float]


# --- measures: each takes a ready kernel and returns named values in the unit of its name --------


def round_trip(kernel: Kernel) -> Values:
    times = [kernel.execute("1").done_at for _ in range(200)]
    cuts = statistics.quantiles(times, n=20)
    return {"round trip p50 [ms]": cuts[9] * 1e3, "round trip p95 [ms]": cuts[18] * 1e3}


def pipelined(kernel: Kernel) -> Values:
    sent = [kernel.send("1") for _ in range(200)]
    # Earlier answers are read, and passed over, while the last is waited for.
    return {"200 cells at once [ms]": _since(sent[0][1], kernel, sent[-1]) * 1e3}


def prints(kernel: Kernel) -> Values:
    run = kernel.execute(f"for i in range({LINES}): print(i)", timeout=60)
    kept = len("".join(run.text).splitlines())
    return {"100,000 prints [ms]": run.done_at * 1e3, "prints kept [%]": 100 * kept / LINES}


def first_byte(kernel: Kernel) -> Values:
    kernel.execute("import time")
    times = []
    for _ in range(5):
        sent = kernel.send("print('x'); time.sleep(0.4)")
        times.append(kernel.collect(sent, until_output=True).first_output_at or 0.0)
        kernel.execute("1")
    return {"first byte of a print [ms]": statistics.median(times) * 1e3}


def completion(kernel: Kernel) -> Values:
    kernel.execute("import os, collections")
    words = ["os.pa", "os.ge", "os.path.j", "collections.O", "impor", "pri", "os.en", "coll"]
    times = [
        kernel.reply("complete_request", {"code": word, "cursor_pos": len(word)})
        for word in words * 3
    ]
    return {"completion p50 [ms]": statistics.median(times) * 1e3}


def stream(kernel: Kernel) -> Values:
    code = f"""
import sys
line = "x" * 99 + "\\n"
for _ in range({STREAM_MB * 10}): sys.stdout.write(line * 1000)
"""
    run = kernel.execute(code, timeout=60)
    kept = sum(map(len, run.text))
    return {
        "50 MB of stdout [ms]": run.done_at * 1e3,
        "stdout kept [%]": 100 * kept / (STREAM_MB * 10 * 1000 * 100),
        "peak after stdout [MB]": kernel.memory("VmHWM"),
    }


def big_display(kernel: Kernel) -> Values:
    kernel.execute("from IPython.display import display")
    code = f"display({{'text/plain': 'x' * {DISPLAY_MB * 1_000_000}}}, raw=True)"
    run = kernel.execute(code, timeout=60)
    return {
        "30 MB display [ms]": run.done_at * 1e3,
        "peak after display [MB]": kernel.memory("VmHWM"),
    }


def idle_memory(kernel: Kernel) -> Values:
    kernel.execute("1")
    time.sleep(0.5)
    return {"memory when idle, PSS [MB]": kernel.memory()}


def death(kernel: Kernel) -> Values:
    """Without a reply the kernel is lost; then the next cell has to wait for the manager."""
    begin = time.perf_counter()
    values: Values = {}
    try:
        run = kernel.execute("import ctypes; ctypes.string_at(0)", timeout=PATIENCE)
        values["segfault to reply [ms]"] = run.reply_at * 1e3
        begin = time.perf_counter()
        run = kernel.execute("1", timeout=PATIENCE)
        values["death to next result [ms]"] = (time.perf_counter() - begin) * 1e3
    except HungError:
        values["segfault to reply [ms]"] = math.inf
        values["death to next result [ms]"] = (RESTARTER_DELAY + kernel.restart()) * 1e3
    return values


def restart(kernel: Kernel) -> Values:
    return {"restart to first result [ms]": kernel.restart() * 1e3}


def shutdown(kernel: Kernel) -> Values:
    return {"shutdown, all processes gone [ms]": kernel.shut_down() * 1e3}


def _since(
    begin: float, kernel: Kernel, sent: tuple[str, float], *, timeout: float = 30.0
) -> float:
    run = kernel.collect(sent, timeout=timeout)
    return sent[1] + run.done_at - begin


@dataclass(frozen=True)
class Measure:
    """One way to use a kernel. `spends` says that it is not usable afterwards."""

    run: Callable[[Kernel], Values]
    #: The value that is reported as lost when the kernel does not answer.
    label: str
    spends: bool = False


def interrupts(codes: dict[str, tuple[str, str]]) -> dict[str, Measure]:
    """Make one measure for each way to be busy."""
    measures = {}
    for key, (name, code) in codes.items():
        label = f"interrupt of {name} [ms]"
        measures[f"interrupt-{key}"] = Measure(partial(_interrupt, label, code), label)
    return measures


def _interrupt(label: str, code: str, kernel: Kernel) -> Values:
    kernel.execute("import asyncio, ctypes, time")
    sent = kernel.send(f"print('begun', flush=True)\n{code}")
    kernel.collect(sent, until_output=True)
    time.sleep(0.2)
    begin = time.perf_counter()
    kernel.manager.interrupt_kernel()
    waited = _since(begin, kernel, sent, timeout=PATIENCE)
    kernel.execute("1", timeout=PATIENCE)
    return {label: waited * 1e3}


#: In the order in which a round takes them. Every start of a kernel is a sample of `start`.
MEASURES: dict[str, Measure] = {
    "start": Measure(lambda _: {}, START),
    "memory": Measure(idle_memory, "memory when idle, PSS [MB]"),
    "roundtrip": Measure(round_trip, "round trip p50 [ms]"),
    "pipelined": Measure(pipelined, "200 cells at once [ms]"),
    "prints": Measure(prints, "100,000 prints [ms]"),
    "firstbyte": Measure(first_byte, "first byte of a print [ms]"),
    "completion": Measure(completion, "completion p50 [ms]"),
    **interrupts(
        {
            "loop": ("a loop", "while True: pass"),
            "sleep": ("time.sleep", "time.sleep(30)"),
            "await": ("an await", "await asyncio.sleep(30)"),
            "csleep": ("a C sleep", "ctypes.CDLL(None).sleep(30)"),
            # Holds the interpreter lock and looks at no signal; ends by itself after a minute.
            "cloop": ("a C loop", "sum(range(4 * 10**9))"),
        }
    ),
    "stdout": Measure(stream, "50 MB of stdout [ms]"),
    "display": Measure(big_display, "30 MB display [ms]", spends=True),
    "restart": Measure(restart, "restart to first result [ms]"),
    "death": Measure(death, "segfault to reply [ms]", spends=True),
    "shutdown": Measure(shutdown, "shutdown, all processes gone [ms]", spends=True),
}


# --- rounds --------------------------------------------------------------------------------------


class Bench:
    """Takes the kernels through rounds and keeps every sample. Owns the kernels it starts."""

    def __init__(self, names: list[str], chosen: list[str]) -> None:
        self.names = names
        self.chosen = chosen
        self.samples: dict[str, dict[str, list[float]]] = {}
        self._open: dict[str, Kernel] = {}

    def round(self, number: int) -> None:
        order = self.names if number % 2 == 0 else self.names[::-1]
        for measure in self.chosen:
            for name in order:
                self._take(name, measure)
        self.close()

    def close(self) -> None:
        for kernel in self._open.values():
            kernel.close()
        self._open.clear()

    def _take(self, name: str, measure: str) -> None:
        print(f"\r{measure:<18}{name:<12}", end="", file=sys.stderr, flush=True)
        chosen = MEASURES[measure]
        spent = chosen.spends
        try:
            self._keep(name, chosen.run(self._ready(name)))
        except LOST as error:
            self._keep(name, {chosen.label: math.inf})
            print(f"\r{name} is lost in {measure}: {error!r}", file=sys.stderr)
            spent = True
        if spent and name in self._open:
            self._open.pop(name).close()

    def _ready(self, name: str) -> Kernel:
        """Return the open kernel of that name, or start one."""
        if name not in self._open:
            self._open[name] = kernel = Kernel(name)
            info, result = kernel.start()
            if "start" in self.chosen:
                self._keep(name, {START: info * 1e3, "start to first result [ms]": result * 1e3})
        return self._open[name]

    def _keep(self, name: str, values: Values) -> None:
        for label, value in values.items():
            self.samples.setdefault(label, {}).setdefault(name, []).append(value)


# --- the table -----------------------------------------------------------------------------------


def table(samples: dict[str, dict[str, list[float]]], names: list[str]) -> Iterator[str]:
    """Yield Markdown lines: median (minimum) for each kernel, and its ratio to the reference."""
    compared = [name for name in names if name != REFERENCE and REFERENCE in names]
    yield (
        "| measure | "
        + " | ".join([*names, *(f"{name} : {REFERENCE}" for name in compared)])
        + " |"
    )
    yield "|---|" + "---:|" * (len(names) + len(compared))
    for label, kernels in samples.items():
        cells = [_cell(kernels.get(name, [])) for name in names]
        cells += [_ratio(kernels.get(name, []), kernels.get(REFERENCE, [])) for name in compared]
        yield f"| {label} | " + " | ".join(cells) + " |"


def _cell(values: list[float]) -> str:
    if not values:
        return "-"
    return f"{_number(statistics.median(values))} ({_number(min(values))})"


def _number(value: float) -> str:
    if value == math.inf:
        return "lost"
    return f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


def _ratio(values: list[float], reference: list[float]) -> str:
    if not values or not reference:
        return "-"
    ours, theirs = statistics.median(values), statistics.median(reference)
    if math.inf in (ours, theirs) or not theirs:
        return "-"
    return f"{ours / theirs:.2f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3, help="samples of each measure (3)")
    parser.add_argument("--kernels", default="python3,wherry,xpython", help="names, with commas")
    parser.add_argument("--only", help=f"some of: {','.join(MEASURES)}")
    parser.add_argument("--json", type=Path, help="write all samples to this file")
    options = parser.parse_args()

    chosen = options.only.split(",") if options.only else list(MEASURES)
    unknown = [name for name in chosen if name not in MEASURES]
    if unknown:
        parser.error(f"unknown measure: {', '.join(unknown)}")
    installed = KernelSpecManager().find_kernel_specs()
    names = []
    for name in options.kernels.split(","):
        if name in installed:
            names.append(name)
        else:
            print(f"{name} is not installed and left out", file=sys.stderr)

    bench = Bench(names, chosen)
    begin = time.monotonic()
    with contextlib.ExitStack() as stack:
        stack.callback(bench.close)
        for number in range(options.rounds):
            print(f"\rround {number + 1} of {options.rounds}", " " * 30, file=sys.stderr)
            bench.round(number)
    print("\r", " " * 40, file=sys.stderr)
    seconds = time.monotonic() - begin
    print(
        f"{options.rounds} rounds in {seconds:.0f} s, Python {platform.python_version()}, ", end=""
    )
    print("median (minimum), ratios of medians\n")
    print("\n".join(table(bench.samples, names)))
    if options.json:
        options.json.write_text(json.dumps({"kernels": names, "samples": bench.samples}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
