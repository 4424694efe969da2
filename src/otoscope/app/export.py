"""Runs as a site of plain files: a page that opens from a disk and from any web server, with its data beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from otoscope.app.page import Page
from otoscope.app.run_page import TOP, run_page
from otoscope.app.single_file import page_html, part_file
from otoscope.descriptions.describe import Description
from otoscope.files import check_folder, whole_folder, write_summary
from otoscope.runs.run import Run
from otoscope.text import writable

PAGE, PARTS = "index.html", "parts"

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Exported:
    """A site that was written.

    Attributes
    ----------
    folder : Path
    files, size : int
        How many files it has, and their bytes.
    maps, sounds : int
        Of the first run: maps, and those that can be heard.
    notes : list of str
        What a reader should know, as on the page.
    """

    folder: Path
    files: int
    size: int
    maps: int
    sounds: int
    notes: list[str] = field(default_factory=list)


def export(
    runs: Sequence[Run],
    folder: str | Path,
    *,
    described: Sequence[Path | Description | None] = (),
    sounds: int | None = None,
    top: int = TOP,
    progress: Report | None = None,
) -> Exported:
    """Write one run, or several of which each is compared with the first, as a site, whole or not at all.

    Parameters
    ----------
    runs : sequence of Run
    folder : str or Path
        New, empty, or an earlier export, which is replaced.
    described : sequence of Path or Description or None
        For each run what ``otoscope describe RUN --out`` wrote, or the description itself.
    sounds : int, optional
        At most so many stored sounds of each map; all of them by default.
    top : int
        Clips a map, of those that drive it most.
    progress : callable, optional
        Called as ``progress(task, done, total)``.

    Returns
    -------
    Exported

    Raises
    ------
    InputError
        If the folder holds anything else, or cannot be written; or if a table, a description or a sound of a run is
        damaged or of another run.

    Notes
    -----
    ``index.html`` is the page, ``parts/`` its data, which is loaded when it is needed, and ``summary.json`` says what
    they are of.
    """
    check_folder(folder, "export")
    page = run_page(runs, described=described, sounds=sounds, top=top, progress=progress)
    with whole_folder(folder, "export") as part:
        _write(page, part, progress)
        write_summary(part, "export", _provenance(page, runs))
        files = [path for path in part.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
    first = page.manifest["runs"][0]
    heard = len({name for name in page.parts if name.startswith(f"{first['id']}-c-")})
    notes = [*first["notes"], *(note for one in page.manifest["differences"] for note in one["notes"])]
    return Exported(Path(folder), len(files), size, first.get("maps", 0), heard, notes)


def _write(page: Page, folder: Path, progress: Report | None) -> None:
    (folder / PAGE).write_text(page_html(page.manifest, outside=f"{PARTS}/", entry="run_main.js"), encoding="utf-8")
    (folder / PARTS).mkdir()
    for done, (name, packed) in enumerate(page.parts.items()):
        if progress is not None:
            progress("writing", done, len(page.parts))
        (folder / PARTS / f"{name}.js").write_text(part_file(packed), encoding="ascii")


def _provenance(page: Page, runs: Sequence[Run]) -> dict[str, Any]:
    """What ``summary.json`` says of a site."""
    said = []
    for run, shown in zip(runs, page.manifest["runs"], strict=True):
        info = run.info
        one: dict[str, Any] = {"kind": run.kind, "model": shown["model"], "model_sha256": info["model"]["sha256"]}
        one |= {
            "data": shown["data"],
            "clips": shown["clips"],
            "methods": shown["methods"],
            "versions": shown["versions"],
        }
        said.append(one | {"maps": shown.get("maps"), "notes": [writable(note) for note in shown["notes"]]})
    return {"method": "export", "runs": said}
