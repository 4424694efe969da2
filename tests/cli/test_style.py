"""Pictures for print from the command line: vectors with their fonts, one or two columns wide."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Otoscope = Callable[..., Any]
PAPER = ("--style", "paper", "--quiet")


@pytest.mark.parametrize(
    ("command", "name"), [(("strs",), "strs"), (("compare", "vowel-register"), "compare"), (("evaluate",), "evaluate")]
)
def test_pictures_for_print_embed_their_fonts_and_are_as_wide_as_a_column_or_a_page(
    command: tuple[str, ...], name: str, otoscope: Otoscope, tone: Path, tmp_path: Path
) -> None:
    given = ("vowels", "--limit", "6") if name == "evaluate" else (tone,)
    done = otoscope(command[0], "vowel-name", *command[1:], *given, *PAPER, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    pdf = (tmp_path / "out" / f"{name}.pdf").read_bytes()
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf
    (width,) = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+)", pdf)
    assert round(float(width) / 72 * 25.4) in (86, 178)
    assert not list((tmp_path / "out").glob("*.png"))


def test_a_style_is_for_commands_that_draw_and_a_folder_to_draw_into(otoscope: Otoscope, tone: Path) -> None:
    otoscope("strs", "vowel-name", tone, *PAPER).expect_refusal("--style is of the pictures that --out writes")
    refused = otoscope("taps", "vowel-name", *PAPER)
    assert refused.code == 2 and "--style" in refused.err
    refused = otoscope("strs", "vowel-name", tone, "--style", "poster", "--out", "out")
    assert refused.code == 2 and "screen" in refused.err
