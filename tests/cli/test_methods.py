"""Every method as a command: its help, its options, its JSON, its table and its files."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import otoscope as library
from method_examples import Example
from otoscope import Scope
from otoscope.cli import OWN, app
from otoscope.methods.catalogue import METHODS, PER_CALL, Record
from otoscope.methods.listing import listing
from otoscope.tables import finite, rows

pytestmark = pytest.mark.usefixtures("blank_pictures")  # what matters here is that they are written

Otoscope = Callable[..., Any]

NAMES = list(listing())
COMMANDS = [*(name.replace("_", "-") for name in NAMES), *(name for names in OWN.values() for name in names)]
ONLY_PYTHON = {"residual_study": {"others"}}
"""Parameters that a command line cannot give: modules."""


def record(name: str) -> Record:
    import_module(listing()[name].module)
    return METHODS[name]


def options_of(arguments: dict[str, Any]) -> list[str]:
    """Arguments as a command line gives them."""
    given: list[str] = []
    for name, value in arguments.items():
        option = f"--{name.replace('_', '-')}"
        if value is None:
            continue
        if isinstance(value, bool):
            given.append(option if value else f"--no-{option[2:]}")
        else:
            for one in value if isinstance(value, (list, tuple)) else [value]:
                given += [option, str(one)]
    return given


def parameters(command: str) -> dict[str, Any]:
    """What a command takes, by the names that are typed."""
    found = app[command].assemble_argument_collection(default_parameter=app.default_parameter, parse_docstring=True)
    return {name: argument for argument in found if argument.show for name in argument.names}


def test_there_is_a_command_for_every_method_and_each_other_one() -> None:
    listed = {name for name in app if not name.startswith("-")}
    assert listed == set(COMMANDS) and len(COMMANDS) == len(listed)
    assert all(getattr(Scope, name) for name in NAMES)


def test_the_overview_lists_every_command_with_what_it_does(otoscope: Otoscope) -> None:
    ran = otoscope("--help")
    shown = " ".join(re.sub(r"[│╭╮╰╯─]", " ", ran.out).split())
    for name, listed in listing().items():
        assert listed.summary and f"{name.replace('_', '-')} {listed.summary.replace('`', '')}" in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_every_parameter(otoscope: Otoscope, command: str) -> None:
    ran = otoscope(command, "--help")
    assert ran.code == 0 and ran.err == ""
    for name, argument in parameters(command).items():
        text = str(argument.parameter.help or "").strip()
        assert len(text) > 8 and text[0].isupper(), f"{name} of {command}: {text!r}"
        assert not re.search(r"otoscope\.|:\w+:|\bNone\b", text), (
            f"{name} of {command} is explained in Python: {text!r}"
        )
        assert "a function" not in text or "(in Python) a function" in " ".join(text.split())
        assert name in ran.out, f"{name} is not shown"


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_of_a_method_is_an_option_of_its_command(name: str) -> None:
    given = inspect.signature(record(name).function).parameters
    wanted = set(list(given)[1:]) - PER_CALL - {record(name).takes} - ONLY_PYTHON.get(name, set())
    assert {f"--{one.replace('_', '-')}" for one in wanted} <= set(parameters(name.replace("_", "-")))


@pytest.mark.parametrize("name", NAMES)
def test_python_command_and_saved_file_give_the_same(
    otoscope: Otoscope, example: Callable[[str], Example], tmp_path: Path, name: str
) -> None:
    one = example(name)
    result = getattr(Scope(one.model), name)(*one.given, **one.arguments)
    ran = otoscope(
        name.replace("_", "-"), one.model, *one.given, *options_of(one.arguments), "--json", "--out", tmp_path / "out"
    )
    content = ran.json()
    assert [name for name in content if not name.startswith("by_")] == [  # but for further tables
        "method", "source", "model", "model_sha256", "audio", "audio_sha256", "subject", "arguments", "version",
        "notes", "rows",
    ]  # fmt: skip
    assert (content["method"], content["model"], content["version"]) == (name, "Pair", library.__version__)
    assert content["model_sha256"] == result.attrs["model_sha256"]
    assert content["audio"] == result.attrs.get("audio") and (content["audio"] or record(name).takes == "model")
    own = finite(rows(result, record(name)))
    shared = [
        {column: row[column] for column in of_result} for row, of_result in zip(content["rows"], own, strict=True)
    ]
    assert shared == own and own  # relevance has those of its control beside them

    saved = library.open(tmp_path / "out" / f"{name}.nc")
    assert next(iter(saved.data_vars)) == record(name).main
    assert saved.attrs == result.attrs
    assert saved.sizes == result.sizes and set(saved.variables) == set(result.variables)
    for variable, values in result.variables.items():
        np.testing.assert_array_equal(saved[variable].values.astype(values.dtype), values.values)
    assert {path.suffix for path in (tmp_path / "out").iterdir()} >= {".nc", ".png", ".html"}
    assert finite(rows(saved, record(name))) == own


@pytest.mark.parametrize("name", NAMES)
def test_tables_fit_into_80_columns_and_cut_nothing(
    otoscope: Otoscope, narrow: None, example: Callable[[str], Example], name: str
) -> None:
    one = example(name)
    ran = otoscope(name.replace("_", "-"), one.model, *one.given, *options_of(one.arguments))
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert "…" not in ran.out and max(len(line.rstrip()) for line in lines) <= 80
    assert any(line.rstrip().endswith("┓") for line in lines) and len(lines) > 4


def test_a_narrow_terminal_shows_the_published_table_of_geometry_and_the_rest_below(
    otoscope: Otoscope, narrow: None, published: Path
) -> None:
    """SWAM, Table 4, in the four digits of a table."""
    shown = otoscope("geometry", "inc-tssdnet", "--weights", published).out
    first, rest = shown.split("┏")[1:3]
    for name in ("A", "B", "beta avg", "mu", "mu avg"):
        assert re.search(rf"[┃│ ]{name} *┃", first) or name.split()[0] in first, name
    (last,) = (line for line in first.splitlines() if line.startswith("│ DCM4"))
    assert [cell.strip() for cell in last.split("│")[2:7]] == ["0", "12.56", "62.17", "0.7788", "0.462"]
    assert "atoms" in rest and "DCM4" in rest


@pytest.mark.parametrize("name", NAMES)
def test_what_is_misspelt_is_wrong_usage_with_a_suggestion(
    otoscope: Otoscope, example: Callable[[str], Example], name: str
) -> None:
    one = example(name)
    option = next((option for option in parameters(name.replace("_", "-")) if option.startswith("--")), "")
    ran = otoscope(name.replace("_", "-"), one.model, *one.given, f"{option}s", 3)
    ran.expect_usage(f"Did you mean {option}")


@pytest.mark.parametrize("name", NAMES)
def test_a_switch_can_be_set_both_ways(name: str) -> None:
    known = parameters(name.replace("_", "-"))
    for parameter in inspect.signature(record(name).function).parameters.values():
        if parameter.default is True:
            assert f"--no-{parameter.name.replace('_', '-')}" in known


@pytest.mark.parametrize(("name", "option", "choice"), [
    (name, option, choice)
    for name, option, choice in (
        ("strs", "--scale", "log"), ("strs", "--alignment", "start"), ("relevance", "--rule", "guided"),
        ("sonify", "--rule", "deconvnet"),
    )
])  # fmt: skip
def test_a_wrong_choice_is_wrong_usage(
    otoscope: Otoscope, example: Callable[[str], Example], name: str, option: str, choice: str
) -> None:
    one = example(name)
    ran = otoscope(name, one.model, *one.given, *options_of(one.arguments), option, f"{choice}x")
    ran.expect_usage(choice)


@pytest.mark.parametrize("command", [name.replace("_", "-") for name in NAMES])
def test_a_command_without_a_model_is_wrong_usage(otoscope: Otoscope, command: str) -> None:
    otoscope(command).expect_usage("MODEL")


def test_a_misspelt_command_is_wrong_usage_with_a_suggestion(otoscope: Otoscope) -> None:
    otoscope("relevanc", "cnn12").expect_usage("relevance")


def test_two_sounds_are_told_apart_by_their_hash(otoscope: Otoscope, example: Callable[[str], Example]) -> None:
    sound = Path(example("strs").given[0])
    other = next(sound.parent.glob("set/a/*.wav"))
    one, two = (otoscope("crs", example("crs").model, path, "--json").json() for path in (sound, other))
    assert one["audio_sha256"] != two["audio_sha256"] and one["model_sha256"] == two["model_sha256"]


def test_a_long_table_says_how_many_rows_it_leaves_out(otoscope: Otoscope, example: Callable[[str], Example]) -> None:
    one = example("crs")
    ran = otoscope("crs", one.model, *one.given)
    assert "473 more rows: --json prints all of them" in " ".join(ran.out.split())


LATER = '''
from torch import nn

class Later(nn.Sequential):
    """A layer behind a decimator."""

    sample_rate = 8000

    def __init__(self):
        super().__init__(nn.Conv1d(1, 1, 32, 2, 15), nn.Conv1d(1, 6, 40, 8), nn.ReLU(), nn.Conv1d(6, 2, 3))

    def forward(self, x):
        return super().forward(x).mean(-1)
'''


def test_a_table_says_what_the_layer_reads(otoscope: Otoscope, tmp_path: Path) -> None:
    (tmp_path / "later.py").write_text(LATER)
    model, sound = f"{tmp_path / 'later.py'}:Later", tmp_path / "noise.wav"
    library.write_audio(sound, np.random.default_rng(0).uniform(-0.5, 0.5, 4000), 8000)
    reads = "the layer reads: the waveform, resampled, 4000 values a second"
    for command in (("filters", model), ("strs", model, sound), ("wigner", model)):
        assert reads in " ".join(otoscope(*command).out.split())
    assert "2 of 6 kernels, spread evenly" in otoscope("wigner", model, "--n-kernels", 2).out
    assert "the layer reads" not in otoscope("filters", model, "--layer", "0").out
    ran = otoscope("inspect", model, sound, "--layer", "0", "--json", "--out", tmp_path / "out")
    assert ran.code in (0, 3) and len(ran.json()["results"]["filters"]) == 1  # of the decimator


def test_quiet_prints_the_result_alone(otoscope: Otoscope, example: Callable[[str], Example], tmp_path: Path) -> None:
    one = example("crs")
    sound = tmp_path / "other_rate.wav"
    library.write_audio(sound, np.zeros(16_000), 16_000)
    ran = otoscope("strs", one.model, sound, "--json", "--out", tmp_path / "out")
    assert "resampled from 16000 to 8000 Hz" in ran.err and "strs.nc" in ran.err
    ran = otoscope("strs", one.model, sound, "--json", "--out", tmp_path / "out", "--quiet")
    assert ran.json() and ran.err == ""
    otoscope("strs", one.model, tmp_path / "none.wav", "--quiet").expect_refusal("none.wav")


def test_help_says_what_a_shell_gives(otoscope: Otoscope) -> None:
    shown = " ".join(otoscope("relevance", "--help").out.replace("│", " ").split())
    assert "NDARRAY" not in shown and "PATH|" not in shown
    assert shown.count("Several values: give it once for each.") == 4  # target, at, target-band, bands


@pytest.mark.parametrize("quiet", [True, False])
def test_a_warning_is_one_line_and_none_with_quiet(
    otoscope: Otoscope, example: Callable[[str], Example], tmp_path: Path, quiet: bool
) -> None:
    one = example("crs")
    library.write_audio(tmp_path / "sound.wav", np.zeros(8000), 8000)
    source = tmp_path / "warns.py"
    source.write_text(
        f"import warnings\nfrom otoscope.models import load\n\n\n"
        f"def make():\n    warnings.warn('made\\n  of [tin]')\n    return load({str(one.model)!r})\n"
    )
    ran = otoscope("crs", f"{source}:make", tmp_path / "sound.wav", "--json", *["--quiet"] * quiet)
    said = [line for line in ran.err.splitlines() if "made of" in line]
    assert ran.json() and said == ([] if quiet else ["warning: made of [tin]"]) and not (quiet and ran.err)


def test_a_film_of_the_strs(otoscope: Otoscope, example: Callable[[str], Example], tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    one = example("strs")
    film = tmp_path / "film.gif"
    assert otoscope("strs", one.model, *one.given, "--n-fft", 64, "--animate", film).code == 0
    assert image.open(film).format == "GIF"
    otoscope("strs", one.model, *one.given, "--animate", tmp_path / "film.mov", "--quiet").expect_refusal(
        ".gif or an .mp4"
    )


@pytest.mark.parametrize("arguments", [("--by", "label", "--limit", "6"), ("--limit", "3")])
def test_part_of_a_data_set(otoscope: Otoscope, example: Callable[[str], Example], arguments: tuple[str, ...]) -> None:
    one = example("coherence")
    found = otoscope("coherence", one.model, *one.given, *arguments[-2:], "--json").json()
    assert f"{arguments[-1]} sounds" in found["audio"]


def test_a_result_opens_draws_and_plays_as_what_it_was(
    otoscope: Otoscope, example: Callable[[str], Example], tmp_path: Path
) -> None:
    one = example("sonify")
    otoscope("sonify", one.model, *one.given, "--layer", "relu", "--channels", "2", "--out", tmp_path, "--json").json()
    saved = library.open(tmp_path / "sonify.nc")
    assert isinstance(saved, xr.Dataset) and saved.otoscope.has_sound
    assert saved.otoscope.plot() is not None
