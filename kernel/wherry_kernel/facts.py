"""Section "Kernel info": what the kernel says about itself and the runner's Python."""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import sys
from typing import TYPE_CHECKING

from wherry_kernel.wire import control

if TYPE_CHECKING:
    from wherry_kernel.wire.codec import Content
    from wherry_runner.frames import Hello, Ready

#: Optional features (JEP 92) that clients switch on when they see them.
FEATURES: tuple[str, ...] = ("kernel subshells",)

HELP_LINKS = (
    {"text": "Python Reference", "url": "https://docs.python.org/{python}"},
    {"text": "IPython Reference", "url": "https://ipython.org/documentation.html"},
    {"text": "NumPy Reference", "url": "https://numpy.org/doc/stable/reference"},
    {"text": "SciPy Reference", "url": "https://docs.scipy.org/doc/scipy/reference"},
    {"text": "Matplotlib Reference", "url": "https://matplotlib.org/stable/contents.html"},
    {"text": "SymPy Reference", "url": "https://docs.sympy.org/latest/index.html"},
    {"text": "pandas Reference", "url": "https://pandas.pydata.org/docs/"},
)


@functools.cache
def version() -> str:
    """Return our version, from the name of the folder that pip made.

    `importlib.metadata` says the same after 30 ms of imports, in which the runner would wait.
    """
    for folder in sys.path:
        with contextlib.suppress(OSError):
            for name in os.listdir(folder or "."):  # noqa: PTH208 - names are all we need
                if name.startswith("wherry-") and name.endswith(".dist-info"):
                    return name.removeprefix("wherry-").removesuffix(".dist-info")
    return "0+unknown"


def kernel_info(hello: Hello | None, ready: Ready | None) -> Content:
    """Describe the runner's Python; while there is none, the kernel's own, and say so."""
    python = hello.python if hello is not None else platform.python_version()
    is_debuggable = ready is not None and "debugger" in ready.capabilities
    is_plain = ready is not None and ready.host == "plain"
    return control.kernel_info(
        version(),
        _banner(python, hello, ready),
        control.language(python, ipython=not is_plain),
        help_links=[
            {**link, "url": link["url"].format(python=".".join(python.split(".")[:2]))}
            for link in HELP_LINKS
        ],
        features=(*FEATURES, *(("debugger",) if is_debuggable else ())),
        debugger=is_debuggable,
    )


def _banner(python: str, hello: Hello | None, ready: Ready | None) -> str:
    if hello is None:
        return f"Wherry {version()}, the interpreter is still starting\n"
    shell = "plain Python shell (this interpreter has no IPython)"
    if ready is None:
        shell = "shell still starting"
    elif ready.ipython:
        shell = f"IPython {ready.ipython}"
    name = hello.implementation or "Python"
    return f"Wherry {version()}: {name} {python} with {shell}\n{hello.executable}\n"
