"""What people type besides Python."""

from __future__ import annotations


def test_help_is_a_page_payload(frontend):
    reply = frontend.run("print?").reply
    (payload,) = reply["payload"]
    assert payload["source"] == "page"
    assert "Prints the values" in payload["data"]["text/plain"]


def test_more_help_shows_the_source(frontend):
    frontend.run("def mine():\n    return 'the body'")
    (payload,) = frontend.run("mine??").reply["payload"]
    assert "the body" in payload["data"]["text/plain"]


def test_the_next_input_is_a_payload(frontend):
    (payload,) = frontend.run("get_ipython().set_next_input('next', replace=True)").reply["payload"]
    assert payload == {"source": "set_next_input", "text": "next", "replace": True}


def test_line_magics(frontend):
    assert "Wall time" in frontend.run("%time 1 + 1").stdout
    assert frontend.run("%pwd").results


def test_an_unknown_magic_is_told(frontend):
    assert "not found" in frontend.run("%no_such_magic").stderr


def test_cell_magics(frontend):
    assert frontend.run("%%bash\necho from bash").stdout == "from bash\n"


def test_the_environment_can_be_set(frontend):
    frontend.run("%env WHERRY_TEST=set")
    assert frontend.run("import os; os.environ['WHERRY_TEST']").results == ["'set'"]


def test_the_output_of_a_command_is_a_list(frontend):
    assert frontend.run("x = !echo a; echo b\nx.s").results == ["'a b'"]


def test_await_at_the_top_level(frontend):
    code = "import asyncio\nasync def f():\n    await asyncio.sleep(0.01)\n    return 5\nawait f()"
    assert frontend.run(code).results == ["5"]


def test_async_for_and_with_at_the_top_level(frontend):
    code = "async def g():\n    for n in range(3):\n        yield n\n[n async for n in g()]"
    assert frontend.run(code).results == ["[0, 1, 2]"]


def test_a_task_outlives_its_cell_and_prints_into_it(frontend):
    code = (
        "import asyncio\nasync def later():\n    await asyncio.sleep(0.3)\n    print('later')\n"
        "task = asyncio.create_task(later())"
    )
    id = frontend.execute(code)
    frontend.transcript(of=id)
    frontend.run("import asyncio; await asyncio.sleep(0.6)")
    frontend.expect_stdout("later\n", of=id)


def test_tasks_share_one_loop_over_cells(frontend):
    frontend.run("import asyncio; loop = asyncio.get_running_loop(); q = asyncio.Queue()")
    frontend.run("task = asyncio.create_task(q.get())\nawait asyncio.sleep(0)")
    frontend.run("await q.put('through')")
    assert frontend.run("await task").results == ["'through'"]
    assert frontend.run("loop is asyncio.get_running_loop()").results == ["True"]


def test_inputs_and_outputs_are_kept_by_number(frontend):
    count = frontend.run("'kept by number'").reply["execution_count"]
    assert frontend.run(f"In[{count}], Out[{count}]").results == [
        "(\"'kept by number'\", 'kept by number')"
    ]


def test_a_file_is_run(frontend, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("made_here = __name__\nprint('ran')")
    assert frontend.run(f"%run {script}").stdout == "ran\n"
    assert frontend.run("made_here").results == ["'__main__'"]


def test_pools_of_processes_work(frontend):
    frontend.run("def square(x): return x * x")
    code = (
        "from concurrent.futures import ProcessPoolExecutor\nimport multiprocessing\n"
        "with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context('fork')) as pool:\n"
        "    got = list(pool.map(square, range(4)))\ngot"
    )
    assert frontend.run(code).results == ["[0, 1, 4, 9]"]


def test_the_front_end_is_recognised_by_libraries(frontend):
    code = "type(get_ipython()).__name__, 'IPKernelApp' in get_ipython().config"
    assert frontend.run(code).results == ["('ZMQInteractiveShell', True)"]


def test_history_magic_shows_the_inputs(frontend):
    frontend.run("'find me in history'")
    assert "'find me in history'" in frontend.run("%history -l 2").stdout
