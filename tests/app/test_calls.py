"""What a picture gives to copy: the call that made its result, in Python and on the command line, gives it again."""

from __future__ import annotations

import ast
import json
import re
import runpy
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import xarray as xr

from method_examples import SOURCE
from otoscope import Scope, compare, load_audio
from otoscope.app.calls import call_of
from otoscope.app.facts import made_by

STATIC = Path(__file__).resolve().parents[2] / "src/otoscope/app/static"
NODE = ["node", "--experimental-default-type=module", "--input-type=module"]
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="runs the page's own code: install node")


def texts(opened: Mapping[str, Any], *calls: Mapping[str, Any]) -> tuple[str, str]:
    """What the page copies as Python and as a command."""
    code = (
        f"import {{ pythonText, commandText }} from {json.dumps((STATIC / 'calls.js').as_uri())};"
        f"const given = {json.dumps([opened, *calls])};"
        "console.log(JSON.stringify([pythonText(...given), commandText(...given)]));"
    )
    ran = subprocess.run(
        ["node", "--experimental-default-type=module", "--input-type=module", "-e", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    python, command = json.loads(ran.stdout)
    return python, command


def run_python(text: str, name: str) -> xr.Dataset:
    """The result of a script, without its picture."""
    Path("copied.py").write_text(re.sub(r"\w+.otoscope.plot\(\)", "", text))
    result = runpy.run_path("copied.py")[name]
    assert isinstance(result, xr.Dataset)
    return result


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scope:
    """A model and a sound in the working directory, both with names that a shell would take apart."""
    monkeypatch.chdir(tmp_path)
    Path("it's mine.py").write_text(SOURCE)
    noise = np.random.default_rng(0).standard_normal(8000)
    soundfile.write("a $(sound) -1.wav", 0.1 * noise, 8000)
    return Scope("it's mine.py:Small")


OPENED = {"model": "it's mine.py:Small", "options": {}, "sound": "a $(sound) -1.wav", "part": {"start": 0.25}}

CALLS: dict[str, Callable[[Scope, xr.DataArray], xr.Dataset]] = {
    "relevance": lambda scope, wave: scope.relevance(wave, target=1, rule="gradient_x_input", hop=0.02),
    "bands": lambda scope, wave: scope.relevance(wave, bands=[0, 500, 4000]),
    "strs": lambda scope, wave: scope.strs(wave, n_fft=64),
    "sonify": lambda scope, wave: scope.sonify(wave, layer=scope.taps().layers[0].taps[0].name, channels=[0, 1]),
    "filters": lambda scope, wave: scope.filters(),
    "wigner": lambda scope, wave: scope.wigner(distributions=True),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_gives_the_result_again(name: str, here: Scope) -> None:
    wave = load_audio(OPENED["sound"], here.sample_rate, start=0.25)  # type: ignore[arg-type]
    result = CALLS[name](here, wave)
    call = call_of(result)
    method = getattr(here, call["method"])
    again = method(wave, **call["arguments"]) if call["takes"] == "wave" else method(**call["arguments"])
    xr.testing.assert_identical(again.drop_attrs(), result.drop_attrs())
    assert all(value is not None for value in call["arguments"].values())


def test_arguments_that_a_method_has_by_default_are_left_out(here: Scope) -> None:
    assert call_of(here.relevance(OPENED["sound"], target="b"))["arguments"] == {"target": "b"}


@needs_node
@pytest.mark.parametrize(("given", "name"), [(1, "2"), ("1", "1"), ("2", "2")])
def test_a_class_is_given_by_its_name(given: int | str, name: str, here: Scope, otoscope: Callable[..., Any]) -> None:
    """Where names are numbers, too, a number is the place of a class in Python, and its name on the command line."""
    from otoscope import open as open_result

    Path("numbered.py").write_text(SOURCE.replace('("a", "b", "c")', '("1", "2", "3")'))
    opened, scope = {**OPENED, "model": "numbered.py:Small"}, Scope("numbered.py:Small")
    result = scope.relevance(load_audio("a $(sound) -1.wav", scope.sample_rate, start=0.25), target=given)
    assert result.class_name == name and call_of(result)["arguments"] == {"target": name}
    python, command = texts(opened, call_of(result))
    assert f'target="{name}"' in python
    xr.testing.assert_equal(run_python(python, "relevance"), result)
    ran = otoscope(*shlex.split(command)[1:], "--quiet")
    assert ran.code == 0, ran.err
    assert open_result(next(Path("seen").glob("*.nc"))).class_name == name


def test_a_function_cannot_be_written_down(here: Scope) -> None:
    call = call_of(here.relevance(OPENED["sound"], target=lambda output: output[:, 0]))
    assert call["unknown"] == ["target"] and "target" not in call["arguments"]


def test_no_folder_of_the_user_is_given_away(here: Scope, tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text("start,stop,label\n0.1,0.4,ah\n")
    result = here.relevance(OPENED["sound"], segments=tmp_path / "words.csv")
    assert call_of(result)["arguments"]["segments"] == "words.csv"
    assert str(tmp_path) not in json.dumps(made_by([result]))


@needs_node
@pytest.mark.parametrize("name", CALLS)
def test_copied_python_gives_the_same_numbers(name: str, here: Scope, tmp_path: Path) -> None:
    result = CALLS[name](here, load_audio(OPENED["sound"], here.sample_rate, start=0.25))  # type: ignore[arg-type]
    python, _ = texts(OPENED, call_of(result))
    xr.testing.assert_equal(run_python(python, result.attrs["method"]), result)


@needs_node
@pytest.mark.parametrize("name", ["bands", "sonify", "wigner"])
def test_a_copied_command_gives_the_same_numbers(name: str, here: Scope, otoscope: Callable[..., Any]) -> None:
    from otoscope import open as open_result

    result = CALLS[name](here, load_audio(OPENED["sound"], here.sample_rate, start=0.25))  # type: ignore[arg-type]
    _, command = texts(OPENED, call_of(result))
    words = shlex.split(command)
    assert words[0] == "otoscope"
    ran = otoscope(*words[1:], "--quiet")
    assert ran.code == 0, ran.err
    written = open_result(next(Path("seen").glob("*.nc")))
    for variable in result.data_vars:
        if np.issubdtype(result[variable].dtype, np.number):
            np.testing.assert_allclose(written[variable], result[variable], rtol=1e-6)


@needs_node
def test_copied_python_compares_two_models(here: Scope) -> None:
    layer = here.taps().layers[0].taps[0].name
    other = Scope("it's mine.py:Small", name="other")
    result = compare([here, other], OPENED["sound"], layer=[layer, layer], marks={"F0": 120.0})
    sides = [{"model": OPENED["model"], "options": {}}, {"model": OPENED["model"], "options": {}}]
    python, command = texts({"models": sides, "sound": OPENED["sound"], "part": {}}, call_of(result))
    np.testing.assert_array_equal(run_python(python, "compare")["relevance"], result["relevance"])
    words = shlex.split(command)
    assert words[:5] == ["otoscope", "compare", OPENED["model"], OPENED["model"], OPENED["sound"]]
    assert {f"--layer-a={layer}", f"--layer-b={layer}", "--mark=F0=120"} <= set(words)


def test_a_class_of_a_comparison_is_given_by_its_name(here: Scope) -> None:
    Path("numbered.py").write_text(SOURCE.replace('("a", "b", "c")', '("1", "2", "3")'))
    numbered = Scope("numbered.py:Small")
    for given, expected in ((1, ["b", "2"]), (["c", "2"], ["c", "2"]), ([0, 1], ["a", "2"])):
        result = compare([here, numbered], OPENED["sound"], target=given)
        assert call_of(result)["arguments"]["target"] == expected
    result = compare([numbered, Scope("numbered.py:Small", name="other")], OPENED["sound"], target=1)
    assert call_of(result)["arguments"]["target"] == "2"


@needs_node
@pytest.mark.parametrize("name", ["-x.wav", "a\x1b]0;bad\x07.wav", "a\nb.wav", "`id`.wav", "“ü”.wav", 'q"u.wav'])
def test_a_hostile_name_stays_one_word(name: str) -> None:
    call = {"method": "relevance", "takes": "wave", "arguments": {}}
    python, command = texts({"model": name, "options": {}, "sound": name, "part": {}}, call)
    said = subprocess.run(
        ["bash", "-c", 'otoscope() { printf "%s\\0" "$@"; }; ' + command], capture_output=True, check=True, cwd="/"
    )
    words = said.stdout.decode().split("\0")
    assert words[1:3] == ["./" + name if name.startswith("-") else name] * 2 and words[3] == "--out=seen"
    assert not set(map(ord, command.rstrip("\n"))) & {*range(32), *range(127, 160)}
    line = next(one for one in python.splitlines() if "relevance(" in one)
    assert ast.literal_eval(line.partition("relevance(")[2].rstrip(")")) == name


@needs_node
def test_what_is_no_file_has_to_be_filled_in() -> None:
    opened = {"model": None, "options": {"sample_rate": 16_000}, "sound": None, "part": {}, "rate": 16_000}
    python, command = texts(opened, {"method": "strs", "takes": "wave", "arguments": {}, "unknown": ["target"]})
    assert "otoscope.Scope(model, sample_rate=16000)" in python and "wave = ...  # the sound" in python
    assert command.splitlines()[-1].startswith("otoscope strs MODEL SOUND.wav --sample-rate=16000")
