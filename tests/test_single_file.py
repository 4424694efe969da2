"""The rules of the page's modules, by which they can be joined into one script, and the file that is made of them."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from otoscope.app.single_file import (
    STATIC,
    inline_json,
    markup,
    ordered_modules,
    page_html,
    part_file,
    read_static,
    script,
    style,
)
from otoscope.errors import InputError

WORKLETS = ("live_worklet.js",)  # scripts of their own, which no page joins
MODULES = sorted(entry.name for entry in STATIC.iterdir() if entry.name.endswith(".js") and entry.name not in WORKLETS)
TOP = re.compile(r"^(?:export )?(?:async )?(?:function\*?|class|const|let|var) ([A-Za-z_$][\w$]*)", re.MULTILINE)
IMPORTED = re.compile(r'^import \{ ([\w$]+(?:, [\w$]+)*) \} from "\./([a-z0-9_]+\.js)";$', re.MULTILINE)
EXPORTED = re.compile(r"^export (?:async )?(?:function|class|const) ([\w$]+)", re.MULTILINE)


class Scripts(HTMLParser):
    """Script elements of a page: attributes and text."""

    def __init__(self, html):
        super().__init__()
        self.found, self.metas, self.inside = [], [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "script":
            self.found.append((dict(attrs), ""))
            self.inside = True
        if tag == "meta":
            self.metas.append(dict(attrs))

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "script"

    def handle_data(self, data):
        if self.inside:
            attributes, text = self.found[-1]
            self.found[-1] = (attributes, text + data)


@pytest.mark.parametrize("name", MODULES)
def test_module_keeps_to_the_rules_of_joining(name):
    text = read_static(name)
    lines = re.findall(r"^(?:import|export)\b.*|.*\bimport\(.*", text, re.MULTILINE)
    imports = [line for line in lines if line.startswith("import")]
    assert all(IMPORTED.fullmatch(line) for line in imports), "imports stand on one line and rename nothing"
    exports = [line for line in lines if line.startswith("export")]
    assert all(EXPORTED.match(line) for line in exports), "only functions, classes and constants are exported"
    assert len(lines) == len(imports) + len(exports), "nothing is imported while running"


@pytest.mark.parametrize("name", MODULES)
def test_module_has_what_it_imports(name):
    for names, other in IMPORTED.findall(read_static(name)):
        given = set(EXPORTED.findall(read_static(other)))
        assert set(names.split(", ")) <= given, f"{other} gives {sorted(given)}"


def test_names_at_the_top_are_unique():
    where = {}
    for name in MODULES:
        for found in TOP.findall(read_static(name)):
            where.setdefault(found, []).append(name)
    assert not {found: names for found, names in where.items() if len(names) > 1}


@pytest.mark.parametrize("name", MODULES)
def test_module_keeps_no_state_of_its_own(name):
    """Several pages live in one document, so whatever changes belongs to a page."""
    text = read_static(name)
    assert not re.findall(r"^(?:export )?(?:let|var) ", text, re.MULTILINE)
    assert not re.findall(r"^(?:export )?const \w+ = new (?:Map|Set|WeakMap|WeakSet)\b", text, re.MULTILINE)


@pytest.mark.parametrize("name", MODULES)
def test_module_writes_no_markup_and_runs_no_text(name):
    """Names of models and files are hostile: they go in as text only."""
    markup_in = r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment)\b"
    text_run = r"\beval\b|new Function|set(?:Timeout|Interval)\(\s*[\"'`]"
    assert not re.findall(f"{markup_in}|{text_run}", read_static(name))


@pytest.mark.parametrize("name", MODULES)
def test_module_finds_elements_through_its_page(name):
    text = read_static(name)
    found = re.findall(r"\bdocument\.(?:getElementById|querySelector)\w*\(", text)
    allowed = {"main.js": 1, "live_main.js": 1, "run_main.js": 1, "sources.js": 2}  # where a page begins
    assert len(found) <= allowed.get(name, 0)


def test_order_has_each_module_after_what_it_imports():
    order = ordered_modules()
    assert order[-1] == "main.js"
    for i, name in enumerate(order):
        assert {other for _, other in IMPORTED.findall(read_static(name))} <= set(order[:i])


def test_circle_of_imports_is_refused(monkeypatch):
    texts = {"a.js": 'import { b } from "./b.js";\n', "b.js": 'import { a } from "./a.js";\n'}
    monkeypatch.setattr("otoscope.app.single_file.read_static", texts.__getitem__)
    with pytest.raises(ValueError, match=r"a\.js imports b\.js imports a\.js"):
        ordered_modules("a.js")


@pytest.mark.skipif(not shutil.which("node"), reason="needs node to read JavaScript")
def test_joined_script_is_a_module(tmp_path):
    whole = tmp_path / "page.mjs"
    whole.write_text(script(), encoding="utf-8")
    subprocess.run(["node", "--check", str(whole)], check=True, capture_output=True, timeout=60)


def test_page_allows_its_own_script_and_nothing_else():
    page = Scripts(page_html({"kind": "sound", "runs": [], "sounds": {}}, {"a": b"xyz"}))
    policy = next(meta["content"] for meta in page.metas if meta.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    (code,) = [text for attributes, text in page.found if attributes.get("type") == "module"]
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert not any("src" in attributes for attributes, _ in page.found)


def test_page_beside_its_parts_also_allows_files_beside_it():
    html = page_html({"kind": "run"}, outside="parts/")
    assert re.search(r"script-src 'sha256-[\w+/=]+' 'self';", html)
    assert 'data-parts="parts/"' in html


def test_hostile_texts_stay_texts():
    names = ["</script><script>alert(1)</script>", "<!--<script>", "a\u2028b", '"]]>&lt;', "${x}`"]
    manifest = {"kind": "sound", "runs": [], "sounds": {}, "title": names, "model": "\\u003c/script>"}
    page = Scripts(page_html(manifest))
    (text,) = [text for attributes, text in page.found if attributes.get("id") == "manifest"]
    assert json.loads(text) == manifest
    assert json.loads(inline_json(names)) == names
    assert len(page.found) == 2, "manifest and script, nothing that a name opened"


def test_not_a_number_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        page_html({"kind": "sound", "value": float("nan")})


def test_part_needs_a_name_that_can_be_a_file():
    with pytest.raises(InputError, match=r"cannot be called '\.\./x'"):
        page_html({}, {"../x": b""})


def test_parts_are_inline_and_as_files():
    page = Scripts(page_html({}, {"a-1.b": bytes(range(256))}))
    (text,) = [text for attributes, text in page.found if attributes.get("id") == "part:a-1.b"]
    assert base64.b64decode(text) == bytes(range(256))
    assert base64.b64decode(part_file(bytes(range(256))).split('"')[1]) == bytes(range(256))


def test_markup_and_style_ask_for_nothing():
    for text in (markup(), style()):
        assert not re.findall(r"https?://(?!www\.w3\.org)|url\(|@import| style=", text)
    assert markup().strip().endswith("</div>")


def test_documentation_has_the_keys_of_the_page():
    written = [
        binding
        for name in ordered_modules()
        for binding in re.findall(r'page\.key\(\s*"([^"]+)", "([^"]+)"', read_static(name))
    ]
    keys = {
        tuple(text.encode().decode("unicode_escape") if "\\" in text else text for text in binding)
        for binding in written
    }
    page = (Path(__file__).parents[1] / "docs" / "page.md").read_text(encoding="utf-8")
    rows = {
        tuple(cell.strip() for cell in line.strip("|").split(" | "))
        for line in page.splitlines()
        if line.startswith("| ")
    }
    assert keys == rows - {("key", "does"), ("---", "---")}
