import base64

import pytest

from wherry_runner.plain.mime import METHODS, Formatter


@pytest.fixture
def reported():
    return []


@pytest.fixture
def bundle(reported):
    return Formatter(reported.append).bundle


def offering(**methods):
    return type("Offering", (), {n: lambda self, v=v: v for n, v in methods.items()})()


@pytest.mark.parametrize("name,mime", METHODS.items())
def test_each_method_gives_its_format(bundle, name, mime):
    data, _ = bundle(offering(**{name: "text"}))
    assert data[mime] == "text"
    assert "Offering" in data["text/plain"]


def test_bytes_become_base64(bundle):
    data, _ = bundle(offering(_repr_png_=b"\x89PNG", _repr_jpeg_=b"", _repr_pdf_=bytearray(b"%")))
    assert base64.b64decode(data["image/png"]) == b"\x89PNG"
    assert data["application/pdf"] == "JQ=="


def test_metadata_comes_in_a_tuple(bundle):
    _, metadata = bundle(offering(_repr_png_=(b"x", {"width": 3})))
    assert metadata == {"image/png": {"width": 3}}


def test_a_format_that_is_none_is_left_out(bundle):
    data, _ = bundle(offering(_repr_html_=None))
    assert set(data) == {"text/plain"}


def test_a_whole_bundle_has_the_last_word(bundle):
    class Both:
        def _repr_html_(self):
            return "single"

        def _repr_mimebundle_(self, include=None, exclude=None):
            return {"text/html": "whole", "text/plain": "p"}, {"text/html": {"a": 1}}

    assert bundle(Both()) == (
        {"text/html": "whole", "text/plain": "p"},
        {"text/html": {"a": 1}},
    )


def test_include_and_exclude_choose_formats(bundle):
    value = offering(_repr_html_="h", _repr_latex_="l")
    assert set(bundle(value, include=["text/html"])[0]) == {"text/html"}
    assert set(bundle(value, exclude=["text/html"])[0]) == {"text/latex", "text/plain"}


def test_a_rich_repr_that_raises_is_reported_and_the_others_count(bundle, reported):
    class Half:
        def _repr_html_(self):
            raise ValueError("no html")

        def _repr_latex_(self):
            return "l"

        def _repr_svg_(self):
            raise NotImplementedError

    data, _ = bundle(Half())
    assert set(data) == {"text/latex", "text/plain"}
    assert [str(error) for error in reported] == ["no html"]


def test_a_plain_repr_that_raises_is_raised(bundle):
    class Bad:
        def __repr__(self):
            raise ValueError("no repr")

    with pytest.raises(ValueError, match="no repr"):
        bundle(Bad())


def test_classes_are_not_asked_for_their_instances_formats(bundle):
    assert set(bundle(type(offering(_repr_html_="h")))[0]) == {"text/plain"}


def test_objects_that_answer_to_any_name_are_not_believed(bundle):
    class Anything:
        def __getattr__(self, name):
            return lambda *a, **k: "made up"

    assert set(bundle(Anything())[0]) == {"text/plain"}


def test_an_object_that_raises_for_any_name_is_shown_plainly(bundle):
    class Nothing:
        @property
        def __class__(self):
            raise RuntimeError("class")

        def __getattr__(self, name):
            raise RuntimeError(name)

        def __repr__(self):
            return "nothing"

    assert bundle(Nothing())[0] == {"text/plain": "nothing"}
