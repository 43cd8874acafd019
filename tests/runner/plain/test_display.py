import pytest


def test_display_sends_each_value(notebook):
    notebook.run("display(1, 'a')")
    assert [sent[1]["text/plain"] for sent in notebook.all("display")] == ["1", "'a'"]


def test_a_display_id_gives_a_handle_that_updates(notebook):
    notebook.run("h = display('a', display_id=True)")
    _, _, _, transient, update = notebook.only("display")
    assert not update
    notebook.run("h.update('b')")
    _, data, _, again, update = notebook.only("display")
    assert (data["text/plain"], again, update) == ("'b'", transient, True)
    assert transient["display_id"] in notebook.run("h")


def test_without_values_an_id_reserves_a_place(notebook):
    notebook.run("h = display(display_id='here')")
    assert notebook.only("display")[1:4] == ({}, {}, {"display_id": "here"})


def test_update_display_needs_an_id(notebook):
    notebook.run("update_display(2, display_id='x')")
    assert notebook.only("display")[3:] == ({"display_id": "x"}, True)
    assert notebook.fail("display(1, update=True)")[0] == "TypeError"


def test_raw_bundles_go_as_they_are(notebook):
    notebook.run("display({'text/html': 'x'}, raw=True, metadata={'a': 1}, transient={'t': 2})")
    assert notebook.only("display")[1:4] == ({"text/html": "x"}, {"a": 1}, {"t": 2})


def test_bytes_in_a_raw_bundle_become_text(notebook):
    notebook.run("display({'image/png': b'%'}, raw=True)")
    assert notebook.only("display")[1] == {"image/png": "JQ=="}


def test_formats_can_be_chosen(notebook):
    notebook.run(
        "class A:\n    def _repr_html_(self): return 'h'\ndisplay(A(), include=['text/html'])"
    )
    assert notebook.only("display")[1] == {"text/html": "h"}


def test_clear_output_may_wait(notebook):
    notebook.run("clear_output(); clear_output(wait=True)")
    assert notebook.all("clear") == [("clear", False), ("clear", True)]


def test_a_value_that_shows_itself_is_not_shown_again(notebook):
    notebook.run("class A:\n    def _ipython_display_(self): display('me')")
    assert notebook.run("A()") is None
    assert notebook.only("display")[1] == {"text/plain": "'me'"}


@pytest.mark.parametrize("code", ["display(A())", "A()"])
def test_a_failing_rich_repr_is_told_on_stderr(notebook, capfd, code):
    notebook.run("class A:\n    def __repr__(self): return 'A'\n    def _repr_html_(self): 1 / 0")
    notebook.execute(code)
    assert not notebook.only("error")
    assert "ZeroDivisionError" in capfd.readouterr().err
