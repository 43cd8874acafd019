"""The docs say what the code says."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from wherry_runner.frames import FRAMES, Malformed, parse
from wherry_supervisor.lifecycle import State

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), *sorted(ROOT.glob("*.md")), ROOT / "benchmarks" / "README.md"]


def _load_generator():
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = _load_generator()


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.stem)
def test_generated_regions_are_what_the_code_says_now(page):
    text = page.read_text("utf-8")
    assert generate.filled(text) == text, "stale: run `make docs`"


def test_every_generator_has_its_place_in_the_docs():
    text = "".join(page.read_text("utf-8") for page in DOCS.rglob("*.md"))
    assert {match[2] for match in generate.REGION.finditer(text)} == set(generate.GENERATORS)


def test_every_frame_and_member_is_in_the_protocol_page():
    text = (DOCS / "protocol.md").read_text("utf-8")
    sections = re.split(r"^#### `(\w+)`$", text, flags=re.MULTILINE)
    tables = dict(zip(sections[1::2], sections[2::2], strict=True))
    assert set(tables) == set(FRAMES)
    for name, frame in FRAMES.items():
        for member in frame._members:
            assert f"| `{member}` |" in tables[name]


def test_the_transcript_is_made_of_frames():
    text = (DOCS / "protocol.md").read_text("utf-8")
    lines = re.findall(r"^[<>] (\{.*\})$", text, flags=re.MULTILINE)
    assert len(lines) > 10
    for line in lines:
        frame = parse(line.encode())
        assert not isinstance(frame, Malformed), frame
        assert set(json.loads(line)) - {"t"} <= set(frame._members)


def test_every_state_is_in_the_diagram():
    text = (DOCS / "architecture.md").read_text("utf-8")
    assert all(state.name in text for state in State)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_paths_that_the_architecture_page_names_exist():
    text = (DOCS / "architecture.md").read_text("utf-8")
    named = re.findall(r"`((?:runner|supervisor|kernel|tests|docs|examples)/[\w./]+)`", text)
    assert named
    missing = [path for path in named if not (ROOT / path).exists()]
    known = {
        path.name
        for root in ("runner", "supervisor", "kernel")
        for path in ROOT.glob(f"{root}/**/*.py")
    }
    missing += [name for name in re.findall(r"`(?:\w+/)*(\w+\.py)`", text) if name not in known]
    assert set(missing) <= {"test_imports.py"}
