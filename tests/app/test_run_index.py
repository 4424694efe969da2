"""Stored sounds that somebody changed: what cannot be is not used, and is missing with the reason."""

from __future__ import annotations

import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from made_up_runs import LAYERS, N_CLIPS, pd, write_run, write_sounds
from otoscope import InputError
from otoscope.app.run_page import run_page
from otoscope.runs import Run

RATE = 8000


@pytest.fixture
def heard(tmp_path: Path) -> Path:
    subject = {"sample_rate": RATE, "channels": None}
    model = {"name": "m", "sha256": "0", "given": "m", "subject": subject}
    return write_sounds(write_run(tmp_path / "run", model=model), rate=RATE)


def change(folder: Path, **cells: str) -> None:
    """Write other cells into the first row of the index."""
    path = folder / "sounds/index.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table.loc[0, list(cells)] = list(cells.values())
    table.to_csv(path, index=False)


def first_file(folder: Path) -> Path:
    return folder / "sounds" / pd.read_csv(folder / "sounds/index.csv")["file"][0]


def notes(folder: Path) -> list[str]:
    """Of the page, of which every part is made."""
    page = run_page([Run(folder)])
    assert sum(len(page.parts[name]) for name in page.parts) > 0
    found: list[str] = page.manifest["runs"][0]["notes"]
    return found


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"channel": "abc"}, "channel abc is not a whole number"),
        ({"channel": "77"}, "map features.conv1 77 is none of the run"),
        ({"layer": "../../../x"}, "map ../../../x 0 is none of the run"),
        ({"rank": "300"}, f"rank 300 is not one of {N_CLIPS} clips"),
        ({"rank": "0"}, "rank 0 is not one of"),
        ({"rank": "-5"}, "rank -5 is not a whole number"),
        ({"rank": "2"}, "rank 2 is there twice"),
        ({"clip": "77"}, "clip 77 is none of the run"),
        ({"clip": "9" * 14}, "is none of the run"),
        ({"clip": "9" * 5000}, "is not a whole number"),
        ({"start": "-1"}, "start -1 is not a time"),
        ({"start": "nan"}, "start nan is not a time"),
        ({"start": "inf"}, "start inf is not a time"),
        ({"start": "1e300"}, "start 1e300 is after the end of clip"),
        ({"start": "1.01"}, "start 1.01 is after the end of clip"),
        ({"peak_time": "1.6"}, "peak_time 1.6 is after the end of clip"),
        ({"start": "now"}, "start now is not a number"),
        ({"peak_time": "-0.5"}, "peak_time -0.5 is not a time"),
        ({"file": ""}, "not made by the sweep"),
        ({"file": "a" * 5000}, "not in the folder of the run (aaa"),
        ({"file": "a\x1b[31m\u202e.wav"}, "not in the folder of the run (a?[31m?.wav)"),
        ({"file": "/etc/passwd"}, "not in the folder of the run"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_is_missing(heard: Path, cells: dict[str, str], why: str) -> None:
    change(heard, **cells)
    (note,) = notes(heard)
    assert note.startswith("1 of the stored sounds is missing: ") and why in note and len(note) < 300


def test_an_index_that_was_half_written_lacks_its_last_row(heard: Path) -> None:
    with open(heard / "sounds/index.csv", "a", encoding="utf-8") as file:
        file.write(f"{LAYERS[0]},0\n")
    (note,) = notes(heard)
    assert "1 of the stored sounds is missing" in note and "has not as many columns as the first" in note


def test_a_sound_of_another_rate_is_not_played_at_that_of_the_run(heard: Path) -> None:
    soundfile.write(first_file(heard), np.zeros(100, "i2"), 44_100)
    (note,) = notes(heard)
    assert "of another sample rate" in note and "has 44100 Hz, and not 8000 Hz" in note
    assert run_page([Run(heard)]).manifest["runs"][0]["sounds"]["rate"] == RATE


def test_the_first_file_gives_the_rate_where_the_run_does_not(tmp_path: Path) -> None:
    heard = write_sounds(write_run(tmp_path / "run"))
    soundfile.write(first_file(heard).with_name("other.wav"), np.zeros(100, "i2"), 44_100)
    change(heard, sonification=str(first_file(heard).with_name("other.wav").relative_to(heard / "sounds")))
    (note,) = notes(heard)
    assert "has 44100 Hz, and not 8000 Hz" in note


def test_a_long_sound_in_a_small_file_is_not_decoded(heard: Path) -> None:
    path = first_file(heard)
    path.unlink()
    soundfile.write(path.with_suffix(".flac"), np.zeros(RATE * 1800, "i2"), RATE)
    path.with_suffix(".flac").rename(path)
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    (note,) = notes(heard)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "longer than 0.5 s" in note and "has 14,400,000 samples at 8000 Hz" in note
    assert peak < 2 * RATE * 1800 / 2


def test_many_channels_are_missing(heard: Path) -> None:
    soundfile.write(first_file(heard), np.zeros((100, 8), "i2"), RATE)
    (note,) = notes(heard)
    assert "of more channels than the model takes" in note and "has 8, and not 1" in note


def test_what_is_no_sound_is_missing(heard: Path) -> None:
    first_file(heard).write_text("x")
    (note,) = notes(heard)
    assert "no sounds that can be read" in note and str(heard) not in note


def test_a_link_to_itself_is_missing(heard: Path) -> None:
    path = first_file(heard)
    path.unlink()
    path.symlink_to(path.name)
    (note,) = notes(heard)
    assert "not in the folder of the run" in note


def test_a_path_in_the_index_that_leads_out_of_the_folder_is_not_read(heard: Path, tmp_path: Path) -> None:
    shutil.copy(first_file(heard), tmp_path / "mine.wav")
    change(heard, file="../../mine.wav", sonification="../../mine.wav")
    (note,) = notes(heard)
    assert note == "1 of the stored sounds is missing: not in the folder of the run (../../mine.wav)"


def test_a_run_without_one_good_sound_is_shown_without_sounds(heard: Path) -> None:
    path = heard / "sounds/index.csv"
    rows = len(pd.read_csv(path))
    pd.read_csv(path).assign(channel="abc").to_csv(path, index=False)
    (note,) = notes(heard)
    assert note.startswith(f"{rows} of the stored sounds are missing: index.csv says what cannot be (line 2: channel")


@pytest.mark.parametrize("duration", ["NaN", "-1", "1e999", "[]", '"long"'])
def test_a_duration_that_cannot_be_is_refused(heard: Path, duration: str) -> None:
    path = heard / "sounds/about.json"
    path.write_text(path.read_text().replace('"duration": 0.5', f'"duration": {duration}'))
    with pytest.raises(InputError, match=r"about\.json cannot be read"):
        run_page([Run(heard)])


def change_clips(folder: Path, **columns: object) -> None:
    """Write other columns into the list of clips; those of None are left out."""
    table = pd.read_parquet(folder / "items.parquet").assign(**columns)
    table.drop(columns=[name for name, value in columns.items() if value is None]).to_parquet(folder / "items.parquet")


def test_a_clip_of_unknown_length_or_filled_up_may_have_later_sounds(heard: Path) -> None:
    change(heard, start="1.5")
    change_clips(heard, seconds=np.nan)
    assert notes(heard) == []
    change(heard, start="1e300")
    (note,) = notes(heard)
    assert "start 1e300 is after the end of clip" in note


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"clip": [0, 0, *range(2, N_CLIPS)]}, "clip 0 is there more than once"),
        ({"clip": np.nan}, "its column clip is DOUBLE, not whole numbers"),
        ({"clip": pd.array([None, *range(1, N_CLIPS)], "Int64")}, f"1 of {N_CLIPS} clips have no number"),
        ({"clip": np.arange(N_CLIPS) + 2**40}, "is not the number of a clip"),
        ({"clip": np.arange(N_CLIPS) - 1}, "-1 is not the number of a clip"),
        ({"clip": [str(number) for number in range(N_CLIPS)]}, "its column clip is VARCHAR"),
        ({"clip": None}, "it has no column clip"),
        ({"name": None}, "it has no column name"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_list_of_clips_that_cannot_be_is_named(heard: Path, columns: dict[str, object], why: str) -> None:
    change_clips(heard, **columns)
    with pytest.raises(InputError, match=r"items\.parquet is damaged: ") as error:
        notes(heard)
    assert why in str(error.value)


@pytest.mark.filterwarnings("error")
def test_clips_without_one_number_are_shown(heard: Path) -> None:
    change_clips(heard, start=np.nan, stop=np.nan, seconds=np.nan)
    assert notes(heard) == []
