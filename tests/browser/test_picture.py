"""The picture that the README opens with: the script beside it draws it from the code, and it is small."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from browsing import chromium

pytestmark = pytest.mark.browser

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"


def words(picture: Image.Image) -> str:
    assert isinstance(picture, PngImageFile)
    picture.load()
    return str(picture.text["words"])


def test_the_numbers_in_the_readme_are_on_its_picture() -> None:
    readme = (IMAGES.parents[1] / "README.md").read_text(encoding="utf-8")
    opening, shown = readme.split("## Start")[0], words(Image.open(IMAGES / "page.png"))
    for said in ("from 1,420 to 1,500 Hz", "r = 0.96", "r = 0.75", "9 of 48 other bands as wide or as loud"):
        assert said in " ".join(opening.split()) and said in shown


def test_the_page_in_the_readme_is_that_of_the_code(tmp_path: Path) -> None:
    chromium()
    spec = spec_from_file_location("draw_page", IMAGES / "draw_page.py")
    assert spec is not None and spec.loader is not None
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    script.main(tmp_path / "page.png")
    drawn, kept = (Image.open(folder / "page.png") for folder in (tmp_path, IMAGES))
    assert drawn.size == kept.size and (IMAGES / "page.png").stat().st_size < 400_000
    assert words(drawn) == words(kept), "draw it again: python docs/images/draw_page.py"
    # Fonts differ from machine to machine; what is drawn stays where it is.
    small = [np.asarray(one.convert("L").resize((48, 30)), dtype=float) for one in (drawn, kept)]
    assert np.corrcoef(small[0].ravel(), small[1].ravel())[0, 1] > 0.8
