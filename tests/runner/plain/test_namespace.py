import builtins

from wherry_runner.plain import namespace


def test_inputs_and_outputs_are_kept(notebook):
    notebook.run("x = 1")
    notebook.run("x + 1")
    assert notebook.run("In[1], Out[2], _2, _i1, _i") == "('x = 1', 2, 2, 'x = 1', 'x + 1')"


def test_underscores_hold_the_last_three_results(notebook):
    for value in (1, 2, 3):
        notebook.run(str(value))
    assert notebook.run("_, __, ___") == "(3, 2, 1)"


def test_an_underscore_of_the_user_stays(notebook):
    notebook.run("_ = 'mine'")
    notebook.run("5")
    assert notebook.run("_") == "'mine'"


def test_gettext_keeps_its_underscore(notebook):
    builtins._ = str
    notebook.run("5")
    assert notebook.names["_"] == ""


def test_numbers_go_on_after_a_restart(notebook):
    notebook.count = 40
    notebook.run("41")
    assert notebook.run("In[41], In[3], Out[41]") == "('41', '', 41)"


def test_deleted_history_comes_back(notebook):
    notebook.run("1")
    notebook.run("del In, Out, _, __, ___, _i, _ii")
    notebook.run("7")
    assert notebook.run("Out[3], _, In[3]") == "(7, 7, '7')"


def test_the_oldest_results_go(notebook, monkeypatch):
    monkeypatch.setattr(namespace, "RESULTS", 10)
    for number in range(12):
        notebook.run(str(number))
    assert len(notebook.names["Out"]) <= 10
    assert "_1" not in notebook.names
    assert notebook.names["_12"] == 11


def test_tampered_builtins_are_repaired(notebook):
    notebook.run("__builtins__ = {}")
    assert notebook.run("len('abc')") == "3"


def test_keys_that_are_no_names_do_no_harm(notebook):
    notebook.run("globals()[1] = 2")
    notebook.run("%who")
    assert notebook.matches("le|")


def test_pickle_finds_classes_of_cells(notebook):
    notebook.run("import pickle\nclass A: pass")
    assert notebook.run("type(pickle.loads(pickle.dumps(A()))) is A") == "True"


def test_main_has_no_file_that_a_spawned_child_would_import(notebook):
    assert notebook.run("import __main__\n__main__.__spec__, hasattr(__main__, '__file__')") == (
        "(None, False)"
    )


def test_not_storing_history_leaves_no_trace(notebook):
    notebook.run("1")
    assert notebook.run("2", store_history=False) == "2"
    assert notebook.run("_, 2 in Out") == "(1, False)"
