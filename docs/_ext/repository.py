"""Pages that show a file from elsewhere in the repository, and links to files that have such a page.

In the repository a link leads to a file; here it has to lead to the page that is made of that file.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from sphinx.application import Sphinx

from otoscope.models.zoo import BUNDLED

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
EXAMPLES = DOCS / "examples"
WEIGHTS = ROOT / "src" / "otoscope" / "models" / "weights"

#: Each page, and the file that it shows.
SHOWN = {
    DOCS / "start.md": ROOT / "README.md",
    DOCS / "contributing.md": ROOT / "CONTRIBUTING.md",
    DOCS / "changes.md": ROOT / "CHANGELOG.md",
    **{DOCS / "models" / f"{name}.md": WEIGHTS / name / "README.md" for name in BUNDLED},
}
LINK = re.compile(r"\]\((?!\w+:|#)([^)\s#]+)(#[^)\s]*)?\)")


def show(app: Sphinx, docname: str, source: list[str]) -> None:
    page = DOCS / f"{docname}.md"
    file = SHOWN.get(page, page)
    if file.is_file():
        app.env.note_dependency(str(file))
        text = file.read_text("utf-8") if page in SHOWN else source[0]
        source[0] = LINK.sub(lambda link: f"]({_lead(link[1], file, page)}{link[2] or ''})", text)


def _lead(link: str, file: Path, page: Path) -> str:
    """Where a link that stands in a file leads from the page of that file."""
    target = (file.parent / link).resolve()
    pages = {shown: page for page, shown in SHOWN.items()}
    if target.parent == EXAMPLES:
        target = DOCS / "gallery" / target.with_suffix(".rst").name.replace("GALLERY_HEADER", "index")
    return Path(os.path.relpath(pages.get(target, target), page.parent)).as_posix()


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", show, priority=100)  # before what fills places in the text
    return {"parallel_read_safe": True, "parallel_write_safe": True}
