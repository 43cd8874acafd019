def test_a_function_is_described(notebook):
    notebook.run('def f(a, b=1, *, c: int = 2) -> str:\n    """Say\n\n    it."""\n    return a')
    assert notebook.info("f|") == (
        "Signature:  f(a, b=1, *, c: int = 2) -> str\n"
        "Type:       function\n"
        "File:       <cell 1>\n"
        "Docstring:\nSay\n\nit."
    )
    assert "    return a" in notebook.info("f|", detail=1)


def test_the_called_function_is_described_from_among_its_arguments(notebook):
    assert "Return the number of items" in notebook.info("x = len([1, 2], |")
    assert "Return the number of items" in notebook.info("len(nowhere|")


def test_the_name_under_the_cursor_counts(notebook):
    notebook.run("import os.path")
    assert "join(" in notebook.info("os.path.jo|in('a')")


def test_a_class_shows_its_constructor_and_source(notebook):
    notebook.run(
        "class A:\n    '''Doc.'''\n    class B:\n        def __init__(self, size=3): pass\n"
    )
    assert "Init signature:" not in notebook.info("A|")
    assert "B(size=3)" in notebook.info("A.B|")
    assert notebook.info("A.B|", detail=1).endswith(
        "class B:\n        def __init__(self, size=3): pass"
    )


def test_a_value_shows_its_type(notebook):
    notebook.run("x = [1, 2]; n = 5; s = 'text'")
    assert "Type:       list\nLength:     2" in notebook.info("x|")
    assert "String form:" in notebook.info("n|")
    assert "'text'" in notebook.info("s|")


def test_defaults_of_the_user_are_not_asked(notebook):
    notebook.run(
        "class A:\n    def __repr__(self): raise SystemExit\n"
        "def f(a=A(), b: A() = 1): pass\nx = A()"
    )
    assert "f(a=..., b=1)" in notebook.info("f|")
    assert "Type:       A" in notebook.info("x|")


def test_what_is_not_known_has_no_description(notebook):
    assert notebook.info("nowhere|") is None
    assert notebook.info("|") is None
    assert notebook.info("1 + |") is None


def test_magics_are_described(notebook):
    assert "Change the folder" in notebook.info("%cd|")
    assert "Run the cell once" in notebook.info("%%time|")
    assert notebook.info("%nowhere|") is None


def test_no_colours(notebook):
    assert "\x1b" not in notebook.info("len|", detail=1)
