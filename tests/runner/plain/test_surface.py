import sys


def test_it_looks_like_a_notebook_to_libraries(notebook):
    assert notebook.run("type(get_ipython()).__name__") == "'ZMQInteractiveShell'"
    assert notebook.run("'IPKernelApp' in get_ipython().config") == "True"


def test_there_is_no_module_named_ipython(notebook, monkeypatch):
    before = {name for name in sys.modules if name.startswith("IPython")}
    notebook.run("get_ipython().run_line_magic('lsmagic', '')")
    assert {name for name in sys.modules if name.startswith("IPython")} == before


def test_a_library_that_would_drop_its_output_sees_no_notebook(notebook):
    notebook.run("code = compile('seen = get_ipython()', 'rich/jupyter.py', 'exec')")
    notebook.run("space = {'__name__': 'rich.jupyter'}; exec(code, space)")
    assert notebook.names["space"]["seen"] is None


def test_the_parent_message_is_known(notebook):
    notebook.run("h = get_ipython().get_parent()['header']", parent={"msg_id": "m"})
    assert notebook.run("h, get_ipython().parent_header") == "({'msg_id': 'm'}, {})"


def test_names_can_be_read_and_pushed(notebook):
    notebook.run("ip = get_ipython(); ip.push({'x': 5})")
    assert notebook.run("x, ip.ev('x + 1'), ip.user_ns is globals()") == "(5, 6, True)"
    notebook.run("ip.ex('y = 7')")
    assert notebook.run("y, ip.execution_count") == "(7, 4)"


def test_the_next_cell_can_be_filled(notebook):
    (payload,) = notebook.execute("get_ipython().set_next_input('x = 1')").payload
    assert payload == {"source": "set_next_input", "text": "x = 1", "replace": False}


def test_a_later_payload_of_a_source_replaces_the_earlier(notebook):
    outcome = notebook.execute("ip = get_ipython()\nip.set_next_input('a')\nip.set_next_input('b')")
    assert [payload["text"] for payload in outcome.payload] == ["b"]


def test_code_can_be_run_as_a_cell(notebook, capfd):
    notebook.run("r = get_ipython().run_cell('q = 3\\nq')")
    assert notebook.only("result")[2] == {"text/plain": "3"}
    assert notebook.run("r.success, r.result, q") == "(True, 3, 3)"
    notebook.run("r = get_ipython().run_cell('1 / 0')")
    assert notebook.run("r.success, type(r.error_in_exec).__name__") == (
        "(False, 'ZeroDivisionError')"
    )
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_magics_can_be_found_and_called(notebook):
    assert notebook.run("get_ipython().find_line_magic('nowhere')") is None
    assert notebook.run("get_ipython().magic('%time 1 + 1')") == "2"


def test_the_configuration_has_attributes(notebook):
    notebook.run("c = get_ipython().config; c.InlineBackend.rc = 5")
    assert notebook.run("c['InlineBackend']['rc']") == "5"


def test_callbacks_can_be_taken_away(notebook):
    notebook.run("told = []\ndef f(): told.append(1)\nevents = get_ipython().events")
    notebook.run("events.register('pre_execute', f); events.register('pre_execute', f)")
    notebook.run("events.unregister('pre_execute', f)")
    assert notebook.run("told") == "[1]"
    assert notebook.fail("events.unregister('pre_execute', f)")[0] == "ValueError"
    assert notebook.fail("events.register('odd', f)")[0] == "KeyError"
