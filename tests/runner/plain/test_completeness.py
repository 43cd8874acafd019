import pytest


@pytest.mark.parametrize(
    "code",
    [
        "", "x = 1", "x = 1\n", "if x: y", "f(1)  # (", "'a (b'", "!ls", "%time f()", "await x",
        "name?", "for i in x:\n    pass\n", "def f():\n    pass\n\n", "%%bash\nls\n", "x = 1; ",
        "if x:\n    y\nelse:\n    z\n",
    ],
)  # fmt: skip
def test_complete(notebook, code):
    assert notebook.host.is_complete(code) == ("complete", "")


@pytest.mark.parametrize(
    "code,indent",
    [
        ("if x:", "    "), ("if x:\n    for y in z:", "        "), ("if x:\n  y", "  "),
        ("f(", "    "), ("f(1,\n  [2", "      "), ("'''abc", ""), ("x = 1 + \\", ""),
        ("def f():\n    return 1", ""), ("@decorator", ""), ("try:\n    x\n", "    "),
        ("%%bash", ""), ("%%bash\nls", ""), ("if x:  # why", "    "), ("class A:\n    pass", ""),
    ],
)  # fmt: skip
def test_incomplete(notebook, code, indent):
    assert notebook.host.is_complete(code) == ("incomplete", indent)


@pytest.mark.parametrize("code", ["x = = 1", "1 1", "f)", "'abc", "if x\n", "\0", "import"])
def test_invalid(notebook, code):
    assert notebook.host.is_complete(code)[0] == "invalid"


def test_doubtful_escapes_do_not_warn(notebook, recwarn):
    notebook.host.is_complete("'\\d'")
    assert not recwarn.list
