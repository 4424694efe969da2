"""IEMOCAP: five sessions, four emotions, and the gender of the one who speaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from otoscope.data import read
from otoscope.errors import InputError

Write = Callable[..., Path]
CODES = ("ang", "hap", "exc", "neu", "sad", "fru", "xxx")


@pytest.fixture
def folder(write: Write, tmp_path: Path) -> Path:
    """In each session one dialogue, recorded with the markers on the woman; the man and the woman take turns."""
    for session in range(1, 6):
        dialogue = f"Ses0{session}F_impro01"
        lines = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]", ""]
        for n, code in enumerate(CODES):
            name = f"{dialogue}_{'FM'[n % 2]}{n:03}"
            lines += [f"[{n}.2901 - {n}.9235]\t{name}\t{code}\t[2.5000, 2.5000, 2.5000]", "C-E2:\tNeutral;\t()", ""]
            write(f"full/Session{session}/sentences/wav/{dialogue}/{name}.wav")
        write(f"full/Session{session}/dialog/EmoEvaluation/{dialogue}.txt", "\n".join(lines))
        write(f"full/Session{session}/dialog/EmoEvaluation/._{dialogue}.txt", "\0")
    return tmp_path / "full"


def test_emotions(folder: Path) -> None:
    found = read("iemocap", folder)
    assert found.classes == ("angry", "happy", "neutral", "sad")
    for fold in range(1, 6):
        part = found.part(f"fold{fold}")
        assert Counter(item.labels[0] for item in part) == {"angry": 1, "happy": 2, "neutral": 1, "sad": 1}
        assert {item.facts["speaker"] for item in part} == {f"Ses0{fold}F", f"Ses0{fold}M"}


def test_gender_is_that_of_the_utterance(folder: Path) -> None:
    found = read("iemocap", folder, task="gender", split="fold2")
    assert Counter(item.labels[0] for item in found) == {"female": 4, "male": 3}
    assert all(item.labels == ("male",) for item in found if str(item.sound).endswith("M001.wav"))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "Session3").rename(f / "Session9"), "Session3/dialog/EmoEvaluation has no lists of emotions"),
        (
            lambda f: [path.rename(path.with_suffix(".flac")) for path in list((f / "Session3").rglob("*.wav"))],
            r"5 of 5 recordings that EmoEvaluation names are missing .* but .*\.flac is there: convert it back",
        ),
        (
            lambda f: (f / "Session3/dialog/EmoEvaluation/a.txt").write_text("nothing"),
            "a.txt holds no labelled utterance",
        ),
    ],
)
def test_what_is_missing_is_named(folder: Path, spoil: Callable[[Path], object], message: str) -> None:
    spoil(folder)
    with pytest.raises(InputError, match=message):
        read("iemocap", folder)
    assert len(read("iemocap", folder, split=["fold1", "fold5"])) == 10


def test_a_missing_recording_is_left_out_and_named(folder: Path) -> None:
    before = len(read("iemocap", folder))
    gone = next((folder / "Session3").rglob("*F000.wav"))
    gone.unlink()
    found = read("iemocap", folder)
    assert len(found) == before - 1 and [Path(name).name for name in found.problems["missing"]] == [gone.name]


def test_a_session_without_any_of_the_emotions_is_refused(folder: Path) -> None:
    for path in folder.glob("Session1/dialog/EmoEvaluation/Ses*.txt"):
        path.write_text("[1.0 - 2.0]\tSes01F_impro01_F000\txxx\t[2.5, 2.5, 2.5]\n")
    with pytest.raises(InputError, match="has no sound of iemocap with a label of the task 'emotion'"):
        read("iemocap", folder, split="fold1")


def test_the_folder_above_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="is not the folder of iemocap: it does not contain"):
        read("iemocap", folder.parent)
    with pytest.raises(InputError, match="is not the folder of iemocap: it does not contain"):
        read("iemocap", folder / "Session1")
