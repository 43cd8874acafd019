import os

import pytest


def test_names_of_the_user_and_of_python(notebook):
    notebook.run("my_value = 1")
    assert notebook.matches("my_|") == ["my_value"]
    assert "print" in notebook.matches("x = pri|")
    assert "lambda" in notebook.matches("lam|")


def test_attributes(notebook):
    notebook.run(
        "import os\nclass A:\n    def method(self): pass\n    value = 1\na = A(); a.own = 2"
    )
    assert "path" in notebook.matches("os.pa|")
    assert {"method", "value", "own"} <= set(notebook.matches("a.|"))
    assert "join" in notebook.matches("print(os.path.jo|")
    assert notebook.matches("'abc'.upp|") == ["upper"]
    assert "append" in notebook.matches("[1, 2].app|")


def test_private_names_wait_for_an_underscore(notebook):
    notebook.run("class A:\n    _hidden = 1\n    shown = 2")
    assert "_hidden" not in notebook.matches("A.|")
    assert notebook.matches("A._hid|") == ["_hidden"]
    assert "__init__" in notebook.matches("A.__in|")


def test_items_of_containers_are_looked_into(notebook):
    notebook.run("d = {'k': ['text']}")
    assert "upper" in notebook.matches("d['k'][0].up|")


def test_no_code_of_the_user_runs(notebook):
    notebook.run(
        "ran = []\n"
        "class A:\n"
        "    @property\n"
        "    def prop(self): ran.append('prop'); return 'text'\n"
        "    def __getattr__(self, name): ran.append(name)\n"
        "    def __dir__(self): ran.append('dir'); return []\n"
        "    def __getitem__(self, key): ran.append(key)\n"
        "    def __eq__(self, other): ran.append('eq')\n"
        "    def __call__(self, argument): ran.append('call')\n"
        "    __hash__ = object.__hash__\n"
        "a = A(); d = {a: 1}\n"
    )
    for code in ("a.|", "a.prop.|", "a.any.|", "a[0].|", "a['|", "d['|", "a(|", "a().|", "d[a].|"):
        notebook.host.complete(code.replace("|", ""), len(code) - 1)
        notebook.host.inspect(code.replace("|", ""), len(code) - 1, 1)
    assert notebook.names["ran"] == []
    assert "prop" in notebook.matches("a.pr|")


@pytest.mark.parametrize(
    "code,match,expected",
    [
        ("d['|", "key one']", "d['key one']"),
        ("d['ke|']", "key one", "d['key one']"),
        ('d["ke|', 'key one"]', 'd["key one"]'),
        ("d[|", "'key one']", "d['key one']"),
        ("d[|]", "'key one'", "d['key one']"),
        ("f(d['ke|", "key one']", "f(d['key one']"),
    ],
)
def test_keys_of_dictionaries(notebook, code, match, expected):
    notebook.run("d = {'key one': 1, 'quo\"te': 2, 5: 3}")
    assert notebook.completed(code, match) == expected


def test_modules_to_import(notebook, tmp_path, monkeypatch):
    assert "json" in notebook.matches("import js|")
    assert "decoder" in notebook.matches("import json.de|")
    assert "decoder" in notebook.matches("from json.de|")
    assert "import" not in notebook.matches("import js|")
    assert notebook.matches("from os.path import joi|") == ["join"]
    assert "dirname" in notebook.matches("from os.path import (join, dirn|")
    assert "sys" in notebook.matches("import os, sy|")


def test_completing_an_import_imports_nothing(notebook, tmp_path, monkeypatch):
    package = tmp_path / "loud_package"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemError")
    (package / "inner.py").write_text("raise SystemError")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert notebook.matches("import loud_|") == ["loud_package"]
    assert notebook.matches("from loud_package import |") == ["inner"]
    assert notebook.matches("import loud_package.in|") == ["inner"]


def test_magics(notebook):
    assert notebook.matches("%timei|") == ["%timeit"]
    assert notebook.matches("%%timei|") == ["%%timeit"]
    assert notebook.matches("x = 1\n%timei|") == ["%timeit"]
    assert notebook.matches("x = %pw|") == ["%pwd"]
    assert "print" in notebook.matches("%time pri|")


def test_paths_in_strings_and_commands(notebook, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file.txt").write_text("")
    (tmp_path / ".hidden").write_text("")
    assert notebook.completed("open('fol|')", "folder/") == "open('folder/')"
    assert notebook.completed("open('folder/f|", "file.txt") == "open('folder/file.txt"
    assert notebook.completed("%cd fo|", "folder/") == "%cd folder/"
    assert notebook.completed("!cat folder/f|", "file.txt") == "!cat folder/file.txt"
    assert notebook.matches("'.hid|") == [".hidden"]
    assert notebook.matches("'nowhere/|") == []


def test_keyword_arguments(notebook):
    notebook.run(
        "def f(alpha, beta=1, *, gamma): pass\nclass C:\n    def __init__(self, size): pass"
    )
    assert notebook.matches("f(alp|") == ["alpha="]
    assert notebook.matches("f(1, |")[:3] == ["alpha=", "beta=", "gamma="]
    assert "size=" in notebook.matches("C(|")
    assert notebook.matches("f(g(1), [2], gam|") == ["gamma="]


def test_letters_of_either_case_are_found(notebook):
    notebook.run("MyThing = 1")
    assert notebook.matches("myth|") == ["MyThing"]


def test_in_the_middle_of_a_word_its_rest_is_replaced(notebook):
    assert notebook.completed("pri|nt(1)", "print") == "print(1)"
    notebook.run("value = 1")
    assert notebook.completed("val|other", "value") == "valueother"


def test_unicode_offsets_count_characters(notebook):
    notebook.run("größe = 1")
    assert notebook.completed("'😀' + grö|", "größe") == "'😀' + größe"


def test_in_a_comment_there_is_nothing(notebook):
    assert notebook.matches("x = 1  # pri|") == []


def test_types_come_along(notebook):
    notebook.run("import os\ndef func(): pass\nclass Klass: pass")
    for word, kind in (("os", "module"), ("func", "function"), ("Klass", "class")):
        metadata = notebook.host.complete(word, len(word))[3]
        types = {t["text"]: t for t in metadata["_jupyter_types_experimental"]}
        assert types[word] == {"text": word, "type": kind, "start": 0, "end": len(word)}


@pytest.mark.parametrize("cursor", [-5, 0, 3, 100])
@pytest.mark.parametrize("code", ["", "(((", "'''", "a.b.", "%", "d['", "x[[", "\0", "f(]"])
def test_nothing_is_too_odd_to_ask(notebook, code, cursor):
    notebook.host.complete(code, cursor)
    notebook.host.inspect(code, cursor, 1)
    notebook.host.is_complete(code)


def test_lazy_modules_stay_lazy(notebook):
    notebook.run(
        "import importlib.util, sys\n"
        "spec = importlib.util.find_spec('this')\n"
        "loader = importlib.util.LazyLoader(spec.loader)\n"
        "spec.loader = loader\n"
        "lazy = importlib.util.module_from_spec(spec)\n"
        "loader.exec_module(lazy)\n"
    )
    notebook.matches("lazy.|")
    assert "_LazyModule" in type(notebook.names["lazy"]).__name__


def test_a_folder_that_is_gone_has_no_files(notebook, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    assert notebook.matches("'a|") == []
