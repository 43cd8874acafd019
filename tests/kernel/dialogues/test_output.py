"""Streams, displays and results."""

from __future__ import annotations

#: ipykernel says idle before it has read what descriptors and children brought, sometimes.
LATE = 0.3


def test_prints_are_joined_and_in_order(frontend):
    frontend.execute("for i in range(3): print(i)")
    frontend.expect_busy()
    frontend.expect_input("for i in range(3): print(i)")
    frontend.expect_stdout("0\n1\n2\n")
    frontend.expect_idle()
    frontend.expect_reply("ok")


def test_stderr_is_a_stream_of_its_own(frontend):
    transcript = frontend.run("import sys\nprint('bad', file=sys.stderr)")
    assert transcript.stderr == "bad\n"
    assert transcript.stdout == ""


def test_streams_and_displays_keep_their_order(frontend):
    code = "print('a'); display('b'); print('c'); 'd'"
    transcript = frontend.run(code)
    assert transcript.kinds[1:] == ["stream", "display_data", "stream", "execute_result"]


def test_the_output_of_the_shell_is_shown(frontend):
    assert (
        frontend.run("!echo from the shell", linger=LATE).stdout.replace("\r", "")
        == "from the shell\n"
    )


def test_the_output_of_a_child_is_shown(frontend):
    code = "import subprocess; subprocess.run(['echo', 'from a child']).returncode"
    transcript = frontend.run(code, linger=LATE)
    assert transcript.stdout == "from a child\n"
    assert transcript.results == ["0"]


def test_what_is_written_to_descriptors_is_shown(frontend):
    transcript = frontend.run(
        "import os; done = os.write(1, b'one\\n'); done = os.write(2, b'two\\n')", linger=LATE
    )
    assert transcript.stdout == "one\n"
    assert transcript.stderr == "two\n"


def test_a_large_text_is_complete(frontend):
    assert frontend.run("print('x' * 3_000_000)").stdout == "x" * 3_000_000 + "\n"


def test_many_lines_are_complete(frontend):
    lines = frontend.run("for i in range(20_000): print(i)").stdout.splitlines()
    assert lines == [str(n) for n in range(20_000)]


def test_a_thread_prints_into_its_cell(frontend):
    code = (
        "import threading\n"
        "t = threading.Thread(target=print, args=('threaded',))\n"
        "t.start(); t.join()"
    )
    assert frontend.run(code).stdout == "threaded\n"


def test_warnings_and_logs_go_to_stderr(frontend):
    transcript = frontend.run(
        "import warnings, logging\nwarnings.warn('careful')\nlogging.error('so')"
    )
    assert "UserWarning: careful" in transcript.stderr
    assert "so" in transcript.stderr


def test_a_flush_shows_what_is_there(frontend):
    code = "import time\nprint('now', end='', flush=True)\ntime.sleep(0.5)\nprint('later')"
    frontend.execute(code)
    frontend.expect_busy()
    frontend.expect_input(code)
    frontend.expect_stdout("now")
    frontend.expect_stdout("later\n")
    frontend.expect_idle()


def test_rich_results_carry_all_forms(frontend):
    code = (
        "class R:\n"
        "    def _repr_html_(self): return '<b>r</b>'\n"
        "    def __repr__(self): return 'r'\n"
        "R()"
    )
    (result,) = frontend.run(code).of("execute_result")
    assert result["data"] == {"text/plain": "r", "text/html": "<b>r</b>"}


def test_a_bundle_with_metadata_is_passed_on(frontend):
    code = (
        "class R:\n"
        "    def _repr_mimebundle_(self, include=None, exclude=None):\n"
        "        data = {'text/plain': 'p', 'application/x-y': {'a': [1]}}\n"
        "        return data, {'application/x-y': {'k': 1}}\n"
        "display(R())"
    )
    (display,) = frontend.run(code).of("display_data")
    assert display["data"] == {"text/plain": "p", "application/x-y": {"a": [1]}}
    assert display["metadata"] == {"application/x-y": {"k": 1}}
    assert display["transient"] == {}


def test_raw_display_data_is_published_as_it_is(frontend):
    code = "display({'text/plain': 'raw', 'text/markdown': '*raw*'}, raw=True)"
    assert frontend.run(code).displays == [{"text/plain": "raw", "text/markdown": "*raw*"}]


def test_images_are_base64(frontend):
    code = (
        "from IPython.display import Image\n"
        "import base64\n"
        "display(Image(data=base64.b64decode('iVBORw0KGgo='), format='png'))"
    )
    (data,) = frontend.run(code).displays
    assert data["image/png"].strip() == "iVBORw0KGgo="


def test_a_display_with_an_id_can_be_updated(frontend):
    first, second = frontend.run(
        "handle = display('old', display_id='here')\nhandle.update('new')"
    ).outputs[1:]
    assert first[0] == "display_data"
    assert first[1]["transient"] == {"display_id": "here"}
    assert second[0] == "update_display_data"
    assert second[1]["transient"] == {"display_id": "here"}
    assert second[1]["data"] == {"text/plain": "'new'"}


def test_a_later_cell_updates_the_display(frontend):
    frontend.run("handle = display('old', display_id=True)")
    transcript = frontend.run("handle.update('new')")
    assert transcript.kinds == ["execute_input", "update_display_data"]


def test_the_output_can_be_cleared(frontend):
    code = (
        "from IPython.display import clear_output\n"
        "print('a')\nclear_output()\nclear_output(wait=True)\nprint('b')"
    )
    transcript = frontend.run(code)
    assert transcript.of("clear_output") == [{"wait": False}, {"wait": True}]
    assert [each["text"] for each in transcript.of("stream")][-1].endswith("b\n")


def test_html_display_of_a_string_is_its_repr(frontend):
    assert frontend.run("display('text')").displays == [{"text/plain": "'text'"}]


def test_several_objects_are_several_displays(frontend):
    assert len(frontend.run("display(1, 2, 3)").displays) == 3


def test_a_figure_is_shown_at_the_end_of_its_cell(frontend):
    transcript = frontend.run("import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])")
    (data,) = transcript.displays
    assert data["image/png"].startswith("iVBOR")
    assert data["text/plain"].startswith("<Figure size")
    assert frontend.run("1").displays == []


def test_show_keeps_the_order_of_figures_and_prints(frontend):
    code = "import matplotlib.pyplot as plt\n_ = plt.plot([1])\nplt.show()\nprint('after')"
    assert frontend.run(code).kinds[1:] == ["display_data", "stream"]


def test_captured_output_is_not_shown(frontend):
    transcript = frontend.run("%%capture got\nprint('hidden')\ndisplay('too')")
    assert transcript.kinds == ["execute_input"]
    assert frontend.run("got.stdout").results == ["'hidden\\n'"]


def test_a_forked_child_prints_into_its_cell(frontend):
    code = (
        "import os\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    print('child', flush=True)\n"
        "    os._exit(0)\n"
        "done = os.waitpid(pid, 0)\n"
    )
    assert frontend.run(code, linger=LATE).stdout == "child\n"
