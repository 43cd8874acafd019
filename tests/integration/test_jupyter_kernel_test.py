"""Jupyter's own conformance suite, all of it, on our kernel."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import jupyter_kernel_test
import pytest

ROOT = Path(__file__).parents[2]
NAME = "wherry"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module", autouse=True)
def _our_kernelspec(tmp_path_factory):
    """The suite asks Jupyter for a kernel by its name: show it the one from the sources."""
    import json

    data = tmp_path_factory.mktemp("data")
    folder = data / "kernels" / NAME
    folder.mkdir(parents=True)
    spec = json.loads((ROOT / "kernel/wherry_kernel/resources/kernel.json").read_text())
    spec["argv"][0] = sys.executable
    roots = [str(ROOT / name) for name in ("runner", "supervisor", "kernel")]
    spec["env"] = {"PYTHONPATH": os.pathsep.join(roots), "IPYTHONDIR": str(data / "ipython")}
    (folder / "kernel.json").write_text(json.dumps(spec))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(data))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(data / "runtime"))
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        (data / "runtime").mkdir()

        yield


class TestKernel(jupyter_kernel_test.KernelTests):
    kernel_name = NAME
    language_name = "python"
    file_extension = ".py"

    code_hello_world = "print('hello, world')"
    code_stderr = "import sys; print('test', file=sys.stderr)"
    completion_samples = (
        {"text": "zi", "matches": {"zip"}},
        {"text": "pri", "matches": {"print"}},
    )
    complete_code_samples = ("1", "print('hello, world')", "def f(x):\n  return x*2\n\n\n")
    incomplete_code_samples = ("print('''hello", "def f(x):\n  x*2", "for i in range(3):")
    invalid_code_samples = ("import = 7q", "a = = 1")
    code_page_something = "zip?"
    code_generate_error = "raise Exception"
    code_execute_result = (
        {"code": "1+2+3", "result": "6"},
        {"code": "[n*n for n in range(1, 4)]", "result": "[1, 4, 9]"},
    )
    code_display_data = (
        {
            "code": "from IPython.display import HTML; display(HTML('<b>x</b>'))",
            "mime": "text/html",
        },
        {"code": "from IPython.display import Math; display(Math('x'))", "mime": "text/latex"},
    )
    supported_history_operations = ("tail", "range", "search")
    code_history_pattern = "1?2*"
    code_inspect_sample = "zip"
    code_clear_output = "from IPython.display import clear_output; clear_output()"


class TestWelcome(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = NAME
    support_iopub_welcome = True
