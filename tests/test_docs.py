"""What the documentation shows is run (commands, Python, links, make targets), and it leaves no method out."""

from __future__ import annotations

import ast
import re
import runpy
import shlex
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from pydantic import BaseModel

import otoscope
from otoscope.cli import OWN
from otoscope.methods.listing import listing
from otoscope.training.recipe import Recipe

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


def extension(name: str) -> ModuleType:
    """A module of docs/_ext."""
    spec = spec_from_file_location(f"docs_{name}", DOCS / "_ext" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tables = extension("tables")
WRITTEN = [page for page in sorted(DOCS.rglob("*.md")) if DOCS / "_build" not in page.parents]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *WRITTEN]
METHOD_PAGES = [page for page in WRITTEN if page.parent.name == "methods" and page.stem != "index"]
SCRIPTS = sorted((DOCS / "examples").glob("*.py"))
METHODS = list(listing())
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def blocks(page: Path, *languages: str) -> list[str]:
    return [body for language, body in FENCE.findall(page.read_text("utf-8")) if language in languages]


def commands(page: Path) -> list[str]:
    """The lines of the page's shell blocks; in a console block only what follows the prompt."""
    lines = [line for body in blocks(page, "bash") for line in body.replace("\\\n", " ").splitlines()]
    for body in blocks(page, "console"):
        lines += [line[2:] for line in body.replace("\\\n", " ").splitlines() if line.startswith("$ ")]
    return [line.strip() for line in lines if line.strip()]


def otoscope_commands(page: Path) -> list[str]:
    return [line for line in commands(page) if line.startswith("otoscope ")]


def pages_with(found: Callable[[Path], object]) -> list[Any]:
    return [pytest.param(page, id=page.relative_to(ROOT).as_posix()) for page in PAGES if found(page)]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder to work in, with the files that the documentation names."""
    rate = 16_000
    time = np.arange(rate) / rate
    voice = sum(np.cos(2 * np.pi * 120 * k * time) / k for k in range(1, 30))
    soundfile.write(tmp_path / "clip.wav", 0.5 * voice / np.abs(voice).max(), rate)
    tiers = "".join(f'"IntervalTier"\n"{name}"\n0\n1\n1\n0.1\n0.4\n"iy"\n' for name in ("words", "phones"))
    (tmp_path / "clip.TextGrid").write_text(f'"ooTextFile"\n"TextGrid"\n0\n1\n<exists>\n2\n{tiers}')
    (tmp_path / "phones.csv").write_text("path,start,stop,label\nclip.wav,0.1,0.4,iy\nclip.wav,0.4,0.5,d\n")
    model = otoscope.load("vowel-name")
    model.conv1.reset_parameters()
    torch.save(model.state_dict(), tmp_path / "earlier.pt")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    return tmp_path


@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.parametrize("page", pages_with(otoscope_commands))
def test_commands_run(page: Path, desk: Path, otoscope: Callable[..., Any]) -> None:
    """In the order of the page, so that a command may use what an earlier one wrote."""
    for command in otoscope_commands(page):
        _, *words = shlex.split(command, comments=True)
        done = otoscope(*words)
        assert done.code == 0, f"{command}\n{done.out}\n{done.err}"
        if "--json" in words:
            assert done.json(), f"{command} printed an empty JSON object"
        if "--out" in words:
            folder = desk / words[words.index("--out") + 1]
            assert any(folder.iterdir()), f"{command} wrote nothing to {folder.name}"


@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.parametrize("page", pages_with(lambda page: blocks(page, "python")))
def test_python_runs(page: Path, desk: Path, otoscope: Callable[..., Any]) -> None:
    """The blocks of a page make one program, which may open what a command of the page wrote."""
    program, text = desk / "shown.py", "\n".join(blocks(page, "python"))
    for _, *words in map(shlex.split, otoscope_commands(page)):
        if "--out" in words and f'open("{words[words.index("--out") + 1]}' in text:
            assert otoscope(*words).code == 0
    program.write_text(text, "utf-8")
    runpy.run_path(str(program), run_name="__main__")


@pytest.mark.parametrize("page", pages_with(commands))
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    shown = {name for line in commands(page) for name in re.findall(r"\bmake ([a-z-]+)", line)}
    assert shown <= targets, f"no such make target: {sorted(shown - targets)}"


@pytest.mark.parametrize("page", pages_with(lambda page: True))
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text("utf-8"))
    local = [link.partition("#")[0] for link in LINK.findall(text) if "://" not in link]
    missing = [link for link in local if not (page.parent / link).exists()]
    assert not missing, f"broken links: {missing}"


def test_every_command_is_described() -> None:
    described = (DOCS / "command-line.md").read_text("utf-8")
    names = [*(name.replace("_", "-") for name in METHODS), *(name for names in OWN.values() for name in names)]
    assert not [name for name in names if f"| `otoscope {name}` |" not in described]


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in tables.TABLES])
def test_tables_are_those_of_the_records(page: Path) -> None:
    assert page.read_text("utf-8") == tables.filled(page), "run make tables"


def test_the_page_of_the_command_line_lists_every_option() -> None:
    pytest.importorskip("sphinx")
    text = extension("commands").described()
    assert "## otoscope f-vowel" in text and "* `--n-filters INT`" in text and "*[choices: linear, log]*" in text
    assert ":mod:" not in text and "--install-completion" not in text


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_a_page_and_an_example(method: str) -> None:
    call = re.compile(rf"\b{method}\(")
    page = DOCS / "methods" / f"{method.replace('_', '-')}.md"
    assert call.search("\n".join(blocks(page, "python"))), f"{page.name} does not call it"
    script = DOCS / "examples" / f"plot_{method}.py"
    assert call.search(script.read_text("utf-8")), f"{script.name} does not call it"


def test_every_key_of_a_recipe_is_described_with_its_default() -> None:
    page = (DOCS / "training" / "index.md").read_text("utf-8").partition("## All keys")[2]
    described = dict(re.findall(r"^\| `([\w.]+)` \| (\S*) ?\|", page, re.MULTILINE))
    assert described == {key: "" if default is ... else said(default) for key, default in recipe_keys(Recipe)}


def recipe_keys(part: type[BaseModel], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every key that takes a value, with its default, or dots where it has to be said."""
    for name, field in part.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from recipe_keys(field.annotation, f"{above}{name}.")
        else:
            yield above + name, ... if field.is_required() else field.default


def said(default: Any) -> str:
    """As YAML, but for what is left open."""
    return "none" if default is None else f"`{str(default).lower() if isinstance(default, bool) else default}`"


def test_everything_public_is_in_the_reference() -> None:
    listed = set((DOCS / "reference" / "index.rst").read_text("utf-8").split())
    packages = {path.parent.name for path in Path(otoscope.__file__).parent.glob("*/__init__.py")} - {"cli"}
    missing = {f"otoscope.{name}" for name in packages | set(otoscope.__all__) - {"__version__"}} - listed
    assert not missing, f"docs/reference/index.rst lacks: {sorted(missing)}"


def test_every_method_page_is_listed() -> None:
    listed = (DOCS / "methods" / "index.md").read_text("utf-8")
    for page in METHOD_PAGES:
        assert f"]({page.name})" in listed and f"\n{page.stem}\n" in listed, f"docs/methods/index.md lacks {page.name}"


@pytest.mark.parametrize("script", [pytest.param(script, id=script.name) for script in SCRIPTS])
def test_gallery_scripts_have_a_title_and_need_no_data(script: Path) -> None:
    text = script.read_text("utf-8")
    title, underline = (ast.get_docstring(ast.parse(text)) or "\n\n").splitlines()[:2]
    assert title and underline == "=" * len(title), "the docstring begins with a title, underlined"
    assert "OTOSCOPE_DATA" not in text, "the gallery is drawn where there are no data sets"
