"""What tests of several folders share: recordings, synthesised sounds, small models."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import soundfile
import torch
from torch import nn

from method_examples import Example, examples
from otoscope import Scope, load
from otoscope.data.timit import CORE_TEST, DEV

CHECKPOINT = "tssdnet/inc_tssdnet_asvspoof2019_la.pth"


def pytest_configure() -> None:
    hear_interrupts()


def hear_interrupts() -> None:
    """Let Ctrl-C end this process and those that tests start, where the tests were started in the background.

    A shell without job control starts what stands before ``&`` with SIGINT ignored, as does ``nohup`` with SIGHUP. A
    process inherits that, and Python leaves it: what a test starts, and then interrupts, would run on to its end.
    """
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Ran(NamedTuple):
    """What a command left: exit status, standard output, standard error."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        """All of standard output, which has to be one JSON object without NaN."""
        assert self.code == 0, self.err
        content = json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
        assert isinstance(content, dict)
        return content

    def expect_refusal(self, message: str) -> None:
        """Exit 1, nothing on standard output, one message."""
        assert (self.code, self.out) == (1, ""), self.err
        assert self.err.startswith("error: ") and len(self.err.splitlines()) == 1, self.err
        assert message in self.err

    def expect_usage(self, message: str = "") -> None:
        """Exit 2, nothing on standard output, one message."""
        assert (self.code, self.out) == (2, ""), self.err
        assert self.err.startswith("error: ") and len(self.err.splitlines()) == 1, self.err
        assert message in self.err


@pytest.fixture
def otoscope(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """The command line in this process, where torch is imported already: ``otoscope("taps", "cnn12")``."""
    from otoscope import cli
    from otoscope.cli.console import err_console

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["otoscope", *map(str, arguments)])
        monkeypatch.setattr(err_console, "quiet", False)
        capsys.readouterr()  # what was printed before
        code: Any = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code or 0
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture(autouse=True)
def no_figures_left() -> Iterator[None]:
    """Close what a test drew, so that others can see which figures they open themselves."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures of the right size with nothing on them, for tests that only ask whether pictures are written."""
    monkeypatch.setattr("matplotlib.figure.Figure.draw", lambda figure, renderer: None)


@pytest.fixture
def check_text() -> Callable[[Any], None]:
    """A function that checks that the text of a figure is legible and lies within it."""

    def check(figure: Any) -> None:
        from matplotlib.text import Text

        figure.draw_without_rendering()
        texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
        assert min(text.get_fontsize() for text in texts) >= 7
        page = figure.bbox.padded(1)
        for ax in figure.axes:
            box = ax.get_tightbbox()
            assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1

    return check


@pytest.fixture
def data() -> Path:
    """The folder with recordings and published weights."""
    folder = os.environ.get("OTOSCOPE_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("OTOSCOPE_DATA names no folder with recordings and published weights")
    return Path(folder)


@pytest.fixture
def published(data: Path) -> Path:
    """The published checkpoint of Inc-TSSDNet."""
    if not (data / CHECKPOINT).is_file():
        pytest.skip(f"OTOSCOPE_DATA has no {CHECKPOINT}")
    return data / CHECKPOINT


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    """0.5 s of two sines in noise at 8 kHz."""
    path = tmp_path / "tone.wav"
    soundfile.write(path, two_sines(4000), 8000, subtype="PCM_16")
    return path


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set: a folder of tones in noise for each of three classes, 8 files of 0.375 to 0.46 s at 8 kHz."""
    root, draw = tmp_path_factory.mktemp("tones"), np.random.default_rng(0)
    for name, frequency in (("low", 300), ("mid", 900), ("high", 2000)):
        (root / name).mkdir()
        for number in range(8):
            time = np.arange(3000 + 100 * number) / 8000
            wave = 0.3 * np.sin(2 * np.pi * frequency * time) + 0.1 * draw.standard_normal(len(time))
            soundfile.write(root / name / f"{number}.wav", wave, 8000)
    return root


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Example]:
    """How a method is called on a small model."""
    return examples(tmp_path_factory.mktemp("examples")).__getitem__


@pytest.fixture
def cnn12() -> nn.Module:
    """CNN12 with a tenth of its filters and four classes."""
    torch.manual_seed(3)
    return load("cnn12", width=0.1, n_classes=4)


@pytest.fixture
def scope(cnn12: nn.Module) -> Scope:
    return Scope(cnn12, classes=["zero", "one", "two", "three"])


@pytest.fixture
def clip() -> torch.Tensor:
    """0.5 s at 8 kHz, for `scope`."""
    return torch.from_numpy(two_sines(4000))


@pytest.fixture(scope="module")
def timit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A miniature of TIMIT: all speakers, each with one SA and two other sentences; no sound, and the same phones."""
    root = tmp_path_factory.mktemp("corpus") / "TIMIT"
    speakers = [f"TRAIN/DR{n % 8 + 1}/F{n:03}0" for n in range(462)]
    speakers += [f"TEST/DR1/{name.upper()}" for name in (*DEV, *CORE_TEST, "mxyz0")]
    for place in speakers:
        (root / place).mkdir(parents=True)
        for sentence in ("SA1", "SI1027", "SX37"):
            (root / place / f"{sentence}.WAV").write_bytes(b"")
            phones = "0 1600 h#\n1600 3200 ix\n3200 4000 q\n4000 5600 ao\n5600 8000 h#\n"
            (root / place / f"{sentence}.PHN").write_text(phones)
    return root


def two_sines(length: int, sample_rate: int = 8000) -> np.ndarray:
    """Sines of 440 and 1500 Hz in a little noise, peak below 1, float32."""
    time = np.arange(length) / sample_rate
    noise = np.random.default_rng(0).standard_normal(length)
    return (0.4 * np.sin(2 * np.pi * 440 * time) + 0.2 * np.sin(2 * np.pi * 1500 * time) + 0.05 * noise).astype("f4")
