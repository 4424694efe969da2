"""What a model really hears of a sound is said in every result, table and picture; silence has nothing to explain."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor, nn

import otoscope
from otoscope import InputError, Scope
from otoscope.cli import app
from otoscope.types import Excerpt

RATE = 8000
SOURCE = """
import torch
from torch import nn

class Fixed(nn.Module):
    sample_rate, input_length = 8000, 2000

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.out = nn.Conv1d(1, 4, 16, 4), nn.Linear(4, 3)

    def forward(self, x):
        assert x.shape[-1] == 2000
        return self.out(self.conv(x).relu().mean(-1))

class Either(nn.Module):
    sample_rate = 8000

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 4, 16, 4)

    def forward(self, x):
        return self.conv(x[:, None] if x.ndim == 2 else 2 * x).relu().mean(-1)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model of 2,000 samples; a sound that begins after them, one of opposite channels, a short one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(SOURCE)
    noise = np.round(3000 * np.random.default_rng(0).standard_normal(4000)) / 2**15
    soundfile.write("late.wav", np.concatenate([np.zeros(4000), noise]), RATE)
    soundfile.write("anti.wav", np.stack([noise, -noise], 1), RATE)
    soundfile.write("short.wav", noise[:500], RATE)
    soundfile.write("long.wav", noise, RATE)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command, the latter in one line."""
    code, said = 0, ""
    try:
        app(list(words))
    except SystemExit as left:
        code = int(left.code or 0)
    except InputError as error:
        code, said = 1, str(error)
    out, err = capsys.readouterr()
    return code, out, " ".join((err + said).split())


def test_a_cut_that_is_silent_is_refused_and_another_part_can_be_chosen(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "sonify", "net.py:Fixed", "late.wav", "--layer", "relu")
    assert code == 1 and "its first 0.25 s of 1 s, is silence" in err and "--start" in err
    code, out, err = run(capsys, "sonify", "net.py:Fixed", "late.wav", "--layer", "relu", "--start", "0.5")
    assert code == 0 and "late.wav (from 0.5 s)" in out and "cut to that length, the first 0.25 s of 0.5 s" in err
    code, _, err = run(capsys, "relevance", "net.py:Fixed", "late.wav", "--duration", "0.5")
    assert code == 1 and "is silence, in which there is nothing to explain" in err
    assert run(capsys, "taps", "net.py:Fixed", "late.wav")[0] == 0


def test_the_same_part_in_python_and_in_a_shell(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "strs", "net.py:Fixed", "late.wav", "--start", "0.6", "--duration", "0.25", "--out", "out")
    scope = Scope("net.py:Fixed")
    expected = scope.strs(Excerpt("late.wav", start=0.6, duration=0.25))
    np.testing.assert_array_equal(otoscope.open("out/strs.nc").strs, expected.strs)
    whole = otoscope.load_audio("late.wav")
    np.testing.assert_array_equal(scope.strs(whole[4800:6800]).strs, expected.strs)
    assert "cut" not in expected.attrs and expected.attrs["audio"] == "late.wav (0.6 to 0.85 s)"


def test_opposite_channels_are_warned_of_and_one_can_be_chosen(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "relevance", "net.py:Fixed", "anti.wav")
    assert code == 1 and "of opposite sign and cancel" in err and "on the command line --channel" in err
    code, out, _ = run(capsys, "relevance", "net.py:Fixed", "anti.wav", "--channel", "1")
    assert code == 0 and "anti.wav (channel 1)" in out
    code, _, err = run(capsys, "relevance", "net.py:Fixed", "anti.wav", "--channel", "2")
    assert code == 1 and "has the channels 0 to 1, not 2" in err


def test_a_rate_that_is_not_the_models_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "strs", "net.py:Fixed", "long.wav", "--sample-rate", "16000")
    assert code == 1 and "states that it takes 8000 Hz, and 16000 Hz is asked for" in err
    assert run(capsys, "strs", "net.py:Fixed", "long.wav", "--sample-rate", "8000")[0] == 0


def test_a_layout_that_is_asked_for_can_be_given(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "strs", "net.py:Either", "long.wav")
    assert code == 1 and '--layout "(batch, time)"' in err
    assert run(capsys, "strs", "net.py:Either", "long.wav", "--layout", "(batch, time)")[0] == 0


@pytest.mark.parametrize(("name", "kind", "words"), [("long.wav", "cut", "cut to"), ("short.wav", "filled", "zeros")])
def test_it_is_said_in_result_picture_table_and_page(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, kind: str, words: str
) -> None:
    result = Scope("net.py:Fixed").strs(name)
    assert words in result.attrs[kind] and words in result.attrs["note"]
    figure = result.otoscope.plot().figure
    assert words in figure.get_supxlabel().replace("\n", " ")
    code, _, err = run(capsys, "strs", "net.py:Fixed", name, "--out", "out")
    assert code == 0 and words in err
    _, out, _ = run(capsys, "strs", "net.py:Fixed", name)
    assert words in " ".join(out.split())
    _, out, _ = run(capsys, "strs", "net.py:Fixed", name, "--json")
    assert any(words in note for note in json.loads(out)["notes"])
    _, out, _ = run(capsys, "inspect", "net.py:Fixed", name, "--out", "inspected")
    assert "notes" in out and words in " ".join(out.replace("│", " ").split())
    assert words in Path("out/report.html").read_text("utf-8")
    exact = Scope("net.py:Fixed").strs(torch.ones(2000))
    assert not {"cut", "filled"} & set(exact.attrs) and words not in exact.attrs["note"]


def test_random_weights_are_said_by_every_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = "The weights of cnn12 are random"
    for words in (["crs", "long.wav"], ["filters"], ["taps"]):
        code, _, err = run(capsys, words[0], "cnn12", *words[1:])
        assert code == 0 and err.count(said) == 1, words
    result = Scope("cnn12").filters()
    assert said in result.attrs["note"]
    made = Scope("net.py:Fixed").filters().attrs["note"]
    assert made.startswith("The weights of Fixed are as net.py:Fixed makes them")


def test_clips_in_the_layout_of_the_model_are_taken() -> None:
    class Mono(nn.Module):
        sample_rate = RATE

        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 3, 9)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x).amax(-1)

    scope, x = Scope(Mono().eval()), torch.randn(2, 1, 1000)
    torch.testing.assert_close(scope.output(x), scope.model(x).detach())
    assert scope.relevance(x[:1]).sizes == {"clip": 1, "time": 1000, **{}} or "clip" in scope.relevance(x[:1]).dims
    with pytest.raises(InputError, match=r"looks like \(time, channel\)"):
        scope.output(x[0].T)


def test_a_model_that_draws_numbers_says_so() -> None:
    class Dither(nn.Module):
        sample_rate = RATE

        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 3, 9)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x + 0.1 * torch.randn_like(x)).amax(-1)

    with pytest.warns(UserWarning, match="Dither draws random numbers as it runs"):
        result = Scope(Dither()).relevance(torch.ones(1000))
    assert "draws random numbers" in result.attrs["note"]
