"""The picture that the README opens with: the script beside it draws it from the code, and it is small."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from browsing import chromium

pytestmark = pytest.mark.browser

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"


def test_the_page_in_the_readme_is_that_of_the_code(tmp_path: Path) -> None:
    chromium()
    spec = spec_from_file_location("draw_page", IMAGES / "draw_page.py")
    assert spec is not None and spec.loader is not None
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    script.main(tmp_path / "page.png")
    drawn, kept = (Image.open(folder / "page.png") for folder in (tmp_path, IMAGES))
    assert drawn.size == kept.size and (IMAGES / "page.png").stat().st_size < 400_000
    # Fonts differ from machine to machine, and words change; what is drawn stays where it is.
    small = [np.asarray(one.convert("L").resize((48, 30)), dtype=float) for one in (drawn, kept)]
    assert np.corrcoef(small[0].ravel(), small[1].ravel())[0, 1] > 0.8
