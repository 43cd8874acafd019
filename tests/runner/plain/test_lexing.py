import pytest

from wherry_runner.plain.lexing import Position, ends_with_semicolon, tokens


def kinds(code):
    return [(kind, code[start:end]) for kind, start, end in tokens(code)]


@pytest.mark.parametrize("text", ["'a#b'", '"a\\"b"', "'''a\n'b'\n'''", 'rb"\\x"', "f'{x}'"])
def test_a_string_is_one_token(text):
    assert kinds(text) == [("string", text)]


@pytest.mark.parametrize("text", ["'abc", '"""abc\ndef', "'abc\\\ndef"])
def test_a_string_without_an_end_is_open(text):
    assert kinds(text) == [("open_string", text)]


def test_an_open_string_in_single_quotes_ends_with_its_line():
    assert kinds("'a\nb")[:2] == [("open_string", "'a"), ("newline", "\n")]


@pytest.mark.parametrize("text", ["==", "!=", "<=", "%=", "->", "**", "//", ":="])
def test_operators_of_two_characters_are_one_token(text):
    assert kinds(f"a {text} b")[1] == ("op", text)


def test_every_character_is_read(notebook):
    odd = "".join(map(chr, range(1, 256)))
    assert "".join(text for _, text in kinds(odd))


def test_the_position_knows_open_brackets_and_strings():
    position = Position("f(a, [1, 'x")
    assert position.brackets == [1, 5]
    assert position.string == 9


def test_the_position_knows_comments():
    assert Position("x = 1  # why").in_comment
    assert not Position("x = 1  # why\n").in_comment


@pytest.mark.parametrize("code", ["f();", "f(); # shown?", "f()\n;", "'a;';\n\n"])
def test_a_last_semicolon_is_found(code):
    assert ends_with_semicolon(code)


@pytest.mark.parametrize("code", ["f()", "';'", "a; b", "a # ;", "'''\n;'''"])
def test_other_semicolons_do_not_count(code):
    assert not ends_with_semicolon(code)
