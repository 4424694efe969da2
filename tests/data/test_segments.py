"""Segments of sounds: what is read from each kind of file, for which sound, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile

from otoscope import InputError, load_audio
from otoscope.audio import as_clip
from otoscope.data.find import sound_of
from otoscope.data.items import Item
from otoscope.data.segments import Segment, as_segments, check_names_sounds, segments_of, write_segments

RATE = 8000
LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 0.5
tiers? <exists>
size = 3
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 0.5
        intervals: size = 1
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = "he said ""hi"" ! 3"
    item [2]:
        class = "TextTier"
        name = "clicks"
        xmin = 0
        xmax = 0.5
        points: size = 1
        points [1]:
            number = 0.2
            mark = "x"
    item [3]:
        class = "IntervalTier"
        name = "phones"
        xmin = 0
        xmax = 0.5
        intervals: size = 4
        intervals [1]:
            xmin = 0
            xmax = 0.1
            text = ""
        intervals [2]:
            xmin = 0.1
            xmax = 0.2
            text = "h"
        intervals [3]:
            xmin = 0.2
            xmax = 0.4
            text = "æ"
        intervals [4]:
            xmin = 0.4
            xmax = 0.5
            text = ""
"""
SHORT = """"ooTextFile"
"TextGrid"

0
0.5
<exists>
1
"IntervalTier"
"phones"
0
0.5
2
0
0.2
"h"
0.2
0.5
"æ"
"""
PHONES = (Segment(0.1, 0.2, "h"), Segment(0.2, 0.4, "æ"))


def sound(folder: Path, name: str = "a.wav", seconds: float = 0.5) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(0).uniform(-0.1, 0.1, round(seconds * RATE)), RATE)
    return path


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding=encoding)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_both_forms_of_a_textgrid_in_every_encoding_of_praat(tmp_path: Path, encoding: str) -> None:
    wave = load_audio(sound(tmp_path))
    assert segments_of(written(tmp_path / "a.TextGrid", LONG, encoding), wave, "phones") == PHONES
    short = segments_of(written(tmp_path / "s.TextGrid", SHORT, encoding), wave)
    assert short == (Segment(0.0, 0.2, "h"), Segment(0.2, 0.5, "æ"))


def test_a_label_may_hold_quotes_numbers_and_lines(tmp_path: Path) -> None:
    path = written(tmp_path / "a.TextGrid", LONG.replace(" ! 3", " ! 3\n4"))
    assert segments_of(path, load_audio(sound(tmp_path)), "words")[0].label == 'he said "hi" ! 3\n4'


def test_lines_may_end_as_on_any_system(tmp_path: Path) -> None:
    path = tmp_path / "a.TextGrid"
    path.write_bytes(SHORT.replace("\n", "\r\n").encode())
    assert len(segments_of(path, load_audio(sound(tmp_path)))) == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("xmax = 0.2\n            text = \"h\"", "xmax = 0.25\n            text = \"h\"",
         "interval 3 (line 45): 'æ' starts at 0.2 s, before 'h' (tier phones, interval 2 (line 41)) stops at 0.25 s"),
        ("xmin = 0.1\n            xmax = 0.2", "xmin = 0.3\n            xmax = 0.2",
         "stops, at 0.2 s, before it starts"),
        ("xmin = 0.1\n            xmax = 0.2", "xmin = 0.2\n            xmax = 0.2",
         "interval 2 (line 41): 'h' is empty"),
        ("xmax = 0.4\n", "xmax = 0.7\n", "ends after"),
        ("xmax = 0.4\n", "xmax = x\n", "line 45: a number was expected in place of \"æ\""),
        ("size = 4", "size = 5", "is not whole"),
        ("size = 4", "size = 3", "line 47: 0.4 follows the last interval: the sizes in the TextGrid say fewer"),
        ("size = 3\nitem", "size = 2\nitem", "line 29: \"IntervalTier\" follows the last interval"),
        ("size = 1\n        points", "size = 0\n        points", "line 26: a text was expected in place of 0.2"),
        ("text = \"h\"", "text = \"h\"\"",
         "line 45: a number was expected in place of \" intervals [4]: xmi: are sizes right"),
        ("size = 4", "size = 4.5", "4.5 is not a number of tiers or intervals"),
        ('Object class = "TextGrid"', 'Object class = "Pitch"', "is not a TextGrid in text"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_textgrid_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert LONG.count(old) == 1
    path = written(tmp_path / "a.TextGrid", LONG.replace(old, new))
    with pytest.raises(InputError) as error:
        segments_of(path, load_audio(sound(tmp_path)), "phones")
    assert message in str(error.value) and str(path) in str(error.value)


def test_a_tier_is_chosen_by_its_name(tmp_path: Path) -> None:
    wave, path = load_audio(sound(tmp_path)), written(tmp_path / "a.TextGrid", LONG)
    with pytest.raises(InputError, match=r"has the tiers words, phones: choose one \(--tier phones\)"):
        segments_of(path, wave)
    with pytest.raises(InputError, match=r"no tier of intervals 'clicks'; it has words, phones"):
        segments_of(path, wave, "clicks")
    with pytest.raises(InputError, match=r"2 tiers called 'phones'"):
        segments_of(written(path, LONG.replace('"words"', '"phones"')), wave, "phones")
    with pytest.raises(InputError, match=r"has the tiers phones, phones: their names have to differ, so rename them$"):
        segments_of(path, wave)
    with pytest.raises(InputError, match=r"tiers phones, phones: their names"):
        segments_of(written(path, LONG.replace('"words"', '"phones"')), wave)


@pytest.mark.parametrize("name", ["a.TextGrid", "a.ctm", "a.csv"])
def test_another_encoding_is_an_error_and_no_wrong_label(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"start,stop,label\n0,0.1,\xe6\n")
    way = {"a.TextGrid": r"\(in Praat", "a.ctm": "in one of them$", "a.csv": "as CSV UTF-8$"}[name]
    with pytest.raises(InputError, match=r"line 2: this is not text in UTF-8 or UTF-16: save it .*" + way):
        segments_of(tmp_path / name, load_audio(sound(tmp_path)))
    (tmp_path / name).write_bytes(b"ooBinaryFile\x08TextGrid\x00\x00\x00")
    with pytest.raises(InputError):
        segments_of(tmp_path / name, load_audio(sound(tmp_path)))


def test_ctm_of_many_recordings(tmp_path: Path) -> None:
    path = written(tmp_path / "all.ctm", ";; made up\na 1 0.10 0.10 h 0.9\nb 1 0.0 0.5 t\na 1 0.2 0.2 æ\n\n")
    assert segments_of(path, load_audio(sound(tmp_path))) == PHONES
    assert segments_of(str(path), load_audio(sound(tmp_path, "b.wav"))) == (Segment(0.0, 0.5, "t"),)
    with pytest.raises(InputError, match=r"all.ctm has no segments of .*c.wav; it has those of a, b"):
        segments_of(path, load_audio(sound(tmp_path, "c.wav")))


def test_channels_of_a_ctm_file_are_chosen(tmp_path: Path) -> None:
    path = written(tmp_path / "all.ctm", "a A 0.0 0.3 h\na B 0.1 0.3 t\n")
    wave = load_audio(sound(tmp_path))
    with pytest.raises(InputError, match=r"a has the channels A, B: choose one"):
        segments_of(path, wave)
    assert segments_of(path, wave, "B") == (Segment(0.1, 0.4, "t"),)
    with pytest.raises(InputError, match=r"no channel 'C'; it has A, B"):
        segments_of(path, wave, "C")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a 1 0.1 0.1\n", "line 1: a line of a CTM file has 5 or 6 columns"),
        ("a 1 0.1 0.1 h\na 1 x 0.1 t\n", "line 2: 'x' is not a time in s"),
        ("a 1 0.1 0.2 h\na 1 0.2 0.1 t\n", "line 2: 't' starts at 0.2 s, before 'h' (line 1) stops at 0.3 s"),
        ("a 1 0.1 0.0 h\n", "line 1: 'h' is empty"),
        ("a 1 0.3 -0.1 h\n", "line 1: 'h' stops, at 0.2 s, before it starts, at 0.3 s"),
        ("a 1 nan 0.1 h\n", "line 1: 'nan' is not a time in s"),
        ("a 1 0,1 0.1 h\n", "line 1: '0,1' is not a time in s: write it with a decimal point"),
        ("a 1 0.1 0_0.3 h\n", "line 1: '0_0.3' is not a time in s"),
        ("a 1 -0.1 0.2 h\n", "times are from 0 s on"),
        (";; nothing\n", "it is empty"),
    ],
)
def test_what_is_wrong_in_a_ctm_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path / "all.ctm", text)
    with pytest.raises(InputError) as error:
        segments_of(path, load_audio(sound(tmp_path)))
    assert message in str(error.value) and str(path) in str(error.value)


@pytest.mark.parametrize("heading", ["start,stop,label", "Start;END;Label;more", "label\tstart\tstop"])
def test_tables(tmp_path: Path, heading: str) -> None:
    mark = next(one for one in ",;\t" if one in heading)
    cells = {"start": ["0.2", "0.1", "0.4"], "stop": ["0.4", "0.2", "0.5"], "label": ["æ", "h", ""], "more": ["1"] * 3}
    names = ["stop" if name.lower() == "end" else name.lower() for name in heading.split(mark)]
    lines = [mark.join(cells[name][row] for name in names) for row in range(3)]
    path = written(tmp_path / "times.csv", "\n".join([heading, *lines]))
    assert segments_of(path, load_audio(sound(tmp_path))) == PHONES


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("begin,stop,label\n0,1,a\n", "has no column 'start'; its columns are begin, stop, label"),
        ("0.1,0.2,a\n", "rename the columns, or add a header line start,stop,label"),
        ("0.1\t0.2\ta\n0.2\tb\n", "line 2: it has 2 cells, and not a start, a stop and a label"),
        ("0.1\t0.2\ta\n0.2\t0_3\tb\n", "line 2: '0_3' is not a time in s"),
        ("0.1\t0.1\ta\n", "line 1: 'a' is empty"),
        ("0.1\t0.2\t\n", "no row with a label"),
        ("start,stop,word\n0,1,a\n", "has no column 'label'"),
        ("start,stop,label\n0,1,\n", "no row with a label"),
        ("start,stop,label\n0,x,a\n", "line 2: 'x' is not a time in s"),
        ("start,stop,label\n0.1,0.3,a\n0.0,0.2,b\n", "line 2: 'a' starts at 0.1 s, before 'b' (line 3) stops at 0.2 s"),
        ("path,start,stop,label\n,0,1,a\n", "line 2: the column path is empty"),
        ("start,stop,label\n", "no row with a label"),
        ('start,stop,label\n0,"1,000",a\n', "line 2: '1,000' is not a time in s: write it with a decimal point"),
        ("start;stop;label\n0;1_0;a\n", "line 2: '1_0' is not a time in s"),
        ("start;stop;label\n0;1.000,5;a\n", "line 2: '1.000,5' is not a time in s"),
        ("start,stop,label\n0,0_0.3,a\n", "line 2: '0_0.3' is not a time in s"),
        ("start,stop,label\n0,\u0661,a\n", "is not a time in s"),
        ("start,stop,label\n0,inf,a\n", "line 2: 'inf' is not a time in s"),
    ],
)
def test_what_is_wrong_in_a_table_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path / "times.csv", text)
    with pytest.raises(InputError) as error:
        segments_of(path, load_audio(sound(tmp_path)))
    assert message in str(error.value) and str(path) in str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "tier"),
    [
        ("mfa.csv", "Begin,End,Label,Type,Speaker\n0,0.5,he,words,ann\n0.1,0.2,h,phones,ann\n0.2,0.4,æ,phones,ann\n",
         "phones"),
        ("praat.tsv", "tmin\ttier\ttext\ttmax\n0.1\tphones\th\t0.2\n0\twords\the\t0.5\n0.2\tphones\tæ\t0.4\n",
         "phones"),
        ("praat.csv", "tmin,tier,text,tmax\n0.1,phones,h,0.2\n0.2,phones,æ,0.4\n", None),
        ("audacity.txt", "0.100000\t0.200000\th\n\\\t100.0\t200.0\n0.2\t0.4\tæ\n0.4\t0.5\t\n", None),
        ("audacity.txt", "\n0,1\t0,2\th\n0,2\t0,4\tæ\n", None),
    ],
)  # fmt: skip
def test_tables_of_other_programs(tmp_path: Path, name: str, text: str, tier: str | None) -> None:
    wave, path = load_audio(sound(tmp_path)), written(tmp_path / name, text)
    assert segments_of(path, wave, tier) == PHONES
    if tier is None:
        with pytest.raises(InputError, match=r"has no tier"):
            segments_of(path, wave, "words")
        return
    with pytest.raises(InputError, match=r"has the tiers .*: choose one \(--tier "):
        segments_of(path, wave)
    with pytest.raises(InputError, match=r"has no tier 'tones'; it has .*phones"):
        segments_of(path, wave, "tones")


def test_a_column_of_types_beside_start_and_stop_is_no_tier(tmp_path: Path) -> None:
    text = "start,stop,label,type\n0.1,0.2,h,consonant\n0.2,0.4,æ,vowel\n"
    assert segments_of(written(tmp_path / "t.csv", text), load_audio(sound(tmp_path))) == PHONES


def test_a_table_of_many_sounds_names_them_by_path_or_stem(tmp_path: Path) -> None:
    rows = "clip,start,stop,label\nann/a.wav,0,0.2,h\n./bob/a.wav,0.1,0.2,t\nc,0,0.5,k\n"
    path = written(tmp_path / "times.csv", rows)
    waves = [load_audio(sound(tmp_path, name)) for name in ("ann/a.wav", "bob/a.wav", "ann/c.flac", "eve/a.wav")]
    assert [segments_of(path, wave)[0].label for wave in waves[:3]] == ["h", "t", "k"]
    with pytest.raises(InputError, match=r"no segments of"):
        segments_of(path, waves[3])
    named = as_clip(np.ones(RATE), RATE, name="a")
    with pytest.raises(InputError, match=r"of ann/a.wav and ./bob/a.wav, and either could be a: give longer paths"):
        segments_of(path, named)


def test_a_folder_of_files_named_as_the_sounds(tmp_path: Path) -> None:
    folder = tmp_path / "aligned"
    written(folder / "ann/a.TextGrid", LONG)
    written(folder / "a.csv", "start,stop,label\n0,0.5,all\n")
    written(folder / "b.ctm", "b 1 0 0.2 t\n")
    waves = [load_audio(sound(tmp_path / "sounds", name)) for name in ("ann/a.wav", "bob/a.wav", "b.wav", "c.wav")]
    assert segments_of(folder, waves[0], "phones") == PHONES
    assert segments_of(folder, waves[1])[0].label == "all"
    assert segments_of(folder, waves[2])[0].label == "t"
    with pytest.raises(InputError, match=r"has no segments of .*c.wav: none of c.TextGrid, c.ctm, c.csv, c.tsv"):
        segments_of(folder, waves[3])


def test_a_file_that_is_changed_is_read_again(tmp_path: Path) -> None:
    wave, path = load_audio(sound(tmp_path)), tmp_path / "times.csv"
    for label in ("one", "other"):
        assert segments_of(written(path, f"start,stop,label\n0,0.1,{label}\n"), wave)[0].label == label


def test_files_that_are_none(tmp_path: Path) -> None:
    wave = load_audio(sound(tmp_path))
    with pytest.raises(InputError, match=r"no file or folder of segments .*b.TextGrid"):
        segments_of(tmp_path / "b.TextGrid", wave)
    with pytest.raises(InputError, match=r"a.wav is not a file of segments"):
        segments_of(tmp_path / "a.wav", wave)
    with pytest.raises(InputError, match=r"has no tiers: leave tier='words' out"):
        segments_of(written(tmp_path / "a.csv", "start,stop,label\n0,0.1,a\n"), wave, "words")


def test_of_an_excerpt_times_are_those_of_the_file(tmp_path: Path) -> None:
    path, times = sound(tmp_path), [(0.0, 0.1, "a"), (0.1, 0.3, "b"), (0.35, 0.5, "c")]
    found = segments_of(times, load_audio(path, start=0.2, duration=0.2))
    assert [one.label for one in found] == ["b", "c"]
    np.testing.assert_allclose([one[:2] for one in found], [(0, 0.1), (0.15, 0.2)], atol=1e-12)
    piece = sound_of(Item(path, (), start=0.2, stop=0.4), RATE)
    assert not isinstance(piece, Path)
    assert segments_of(times, piece) == found
    with pytest.raises(InputError, match=r"has no segment within .* from 0.3"):
        segments_of(times[:2], load_audio(path, start=0.3))
    with pytest.raises(InputError, match=r"segment 3: 'c' from 0.35 to 0.6 s ends after .*a.wav, which lasts 0.5 s"):
        segments_of([*times[:2], (0.35, 0.6, "c")], load_audio(path, start=0.2, duration=0.2))


def test_a_segment_may_end_after_the_sound_by_rounding_alone() -> None:
    wave = as_clip(np.ones(3996), RATE)
    assert segments_of([(0.4, 0.5, "a")], wave) == (Segment(0.4, 0.4995, "a"),)
    with pytest.raises(InputError, match=r"ends after array, which lasts 0.4995 s"):
        segments_of([(0.4, 0.506, "a")], wave)


def test_of_a_part_no_sliver_is_left_that_holds_no_sample(tmp_path: Path) -> None:
    path = sound(tmp_path)
    times = [(0.0, 0.20004, "a"), (0.20004, 0.39995, "b"), (0.39995, 0.5, "c")]  # of 0.000125 s a sample
    found = segments_of(times, load_audio(path, start=0.2, duration=0.2))
    assert [one.label for one in found] == ["b"]
    short = as_clip(np.ones(3996), RATE)
    assert [one.label for one in segments_of([(0.3, 0.49949, "a"), (0.49949, 0.5, "t")], short)] == ["a"]
    with pytest.raises(InputError, match=r"has no segment within"):
        segments_of(times[:1], load_audio(path, start=0.2))
    table = written(tmp_path / "t.csv", "start,stop,label\n0,0.1,a\n0.10001,0.10004,t\n")
    with pytest.raises(InputError, match=r"t.csv, line 3: 't' from 0.10001 to 0.10004 s holds no sample of .*a.wav"):
        segments_of(table, load_audio(path))
    assert segments_of(table, load_audio(path, duration=0.1))[0].label == "a"


def test_nothing_given_is_said_to_be_none() -> None:
    wave = as_clip(np.ones(4000), RATE, name="a.wav")
    for given in ([], [(0, 0.1, None)], {"a.wav": []}):
        with pytest.raises(InputError, match=r"no segment of a.wav with a label: give \(start, stop, label\)"):
            segments_of(given, wave)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"segments is empty, and has none of a.wav: give \(start"):
        segments_of({}, wave)


def test_segments_that_are_given_themselves() -> None:
    wave = as_clip(np.ones(4000), RATE, name="a.wav")
    assert segments_of({"a": [(0.1, 0.2, "h")], "b.wav": [(0, 0.1, "t")]}, wave) == (Segment(0.1, 0.2, "h"),)
    assert segments_of(iter([(np.float32(0.25), 0.5, 3)]), wave) == (Segment(0.25, 0.5, "3"),)
    with pytest.raises(InputError, match=r"segment 1 has to be its start and stop in s and its label, .* not \(0, 1\)"):
        segments_of([(0, 1)], wave)  # type: ignore[list-item]
    with pytest.raises(InputError, match=r"leave it out"):
        segments_of([(0, 0.1, "a")], wave, "phones")
    with pytest.raises(InputError, match=r"segment 2: '\(outside\)' is not a label"):
        segments_of([(0, 0.1, "a"), (0.1, 0.2, "(outside)")], wave)
    with pytest.raises(InputError, match=r"no segment of a.wav with a label"):
        segments_of([], wave)


def test_times_that_were_rounded_alike_do_not_overlap() -> None:
    found = as_segments([(0.0, 0.30000001, "a"), (0.3, 0.4, "b")])
    assert found[0].stop == found[1].start == 0.3


def test_what_is_given_for_many_sounds_has_to_say_of_which_it_is(tmp_path: Path) -> None:
    for one in (written(tmp_path / "a.TextGrid", SHORT), written(tmp_path / "a.csv", "start,stop,label\n0,1,a\n")):
        with pytest.raises(InputError, match=r"does not say of which sound"):
            check_names_sounds(one)
    with pytest.raises(InputError, match=r"does not say of which sound"):
        check_names_sounds([(0, 1, "a")])
    check_names_sounds(tmp_path)
    check_names_sounds({"a": [(0, 1, "a")]})
    check_names_sounds(written(tmp_path / "all.ctm", "a 1 0 1 h\n"))


def test_written_segments_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "steady.csv"
    write_segments(path, {"a.wav": PHONES, "b, c.wav": [(0, 1 / 3, '"x"')]})
    assert segments_of(path, load_audio(sound(tmp_path))) == PHONES
    assert segments_of(path, load_audio(sound(tmp_path, "b, c.wav"))) == (Segment(0, 1 / 3, '"x"'),)


@pytest.mark.parametrize("form", ["Save as text file", "Save as short text file"])
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "try ASCII, then UTF-16"])
def test_what_praat_itself_writes(tmp_path: Path, form: str, encoding: str) -> None:
    pytest.importorskip("parselmouth")
    from parselmouth.praat import call, run

    grid = call("Create TextGrid", 0.0, 0.5, "words phones clicks", "clicks")
    for edge in (0.1, 0.2, 0.4):
        call(grid, "Insert boundary", 2, edge)
    call(grid, "Insert point", 3, 0.3, 'a "click"')
    for place, label in ((2, 'h "?" !'), (3, "æ")):
        call(grid, "Set interval text", 2, place, label)
    run(f"Text writing preferences: {encoding!r}".replace("'", '"'))
    try:
        call(grid, form, str(tmp_path / "a.TextGrid"))
    finally:
        run('Text writing preferences: "UTF-8"')
    found = segments_of(tmp_path / "a.TextGrid", load_audio(sound(tmp_path)), "phones")
    assert found == (Segment(0.1, 0.2, 'h "?" !'), Segment(0.2, 0.4, "æ"))


@pytest.mark.parametrize("missing", [None, float("nan"), np.float32("nan"), pd.NA, pd.NaT, "", " "])
def test_what_has_no_label_is_no_segment(missing: Any) -> None:
    wave = as_clip(np.ones(4000), RATE, name="a.wav")
    given = [(0.0, 0.1, missing), (0.1, 0.2, "h")]
    assert segments_of(given, wave) == (Segment(0.1, 0.2, "h"),)
    assert segments_of({"a.wav": given}, wave) == (Segment(0.1, 0.2, "h"),)
    assert as_segments(given) == (Segment(0.1, 0.2, "h"),)


def test_a_table_of_pandas_is_told_how_to_be_given() -> None:
    wave = as_clip(np.ones(4000), RATE, name="a.wav")
    table = pd.DataFrame({"path": "a.wav", "start": [0.0, 0.1], "stop": [0.1, 0.2], "label": ["a", None]})
    for given in (table, {"a.wav": table}):
        with pytest.raises(InputError, match=r"not a DataFrame: give list\(zip\(df\["):
            segments_of(given, wave)  # type: ignore[arg-type]
    own = {path: list(zip(df["start"], df["stop"], df["label"], strict=True)) for path, df in table.groupby("path")}
    assert segments_of(own, wave) == (Segment(0.0, 0.1, "a"),)


def test_sounds_whose_names_differ_in_suffix_or_folder_alone_are_not_mixed(tmp_path: Path) -> None:
    names = ("a.wav", "a.flac", "../a.wav", "ann/a.flac")
    given = {name: [(0.0, 0.1, name)] for name in names}
    table = written(tmp_path / "t.csv", "path,start,stop,label\n" + "".join(f"{name},0,0.1,{name}\n" for name in names))
    ctm = written(tmp_path / "t.ctm", "".join(f"{name} 1 0 0.1 {name}\n" for name in names))
    for segments in (given, table, ctm):
        for name in names:
            found = segments_of(segments, as_clip(np.ones(4000), RATE, name=name))
            assert found == (Segment(0.0, 0.1, name),)
        with pytest.raises(InputError, match=r"segments of a.wav and ../a.wav, and either could be b/a.wav"):
            segments_of(segments, as_clip(np.ones(4000), RATE, name="b/a.wav"))
        with pytest.raises(InputError, match=r"either could be a: give"):
            segments_of(segments, as_clip(np.ones(4000), RATE, name="a"))
    converted = segments_of({"a.flac": [(0.0, 0.1, "x")]}, as_clip(np.ones(4000), RATE, name="a.wav"))
    assert converted[0].label == "x"


def test_paths_of_windows(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "path,start,stop,label\nann\\a.wav,0,0.1,x\nbob\\a.wav,0,0.1,y\n")
    for name, label in (("ann/a.wav", "x"), (r"bob\a.wav", "y"), (r"C:\data\bob\a.wav", "y")):
        assert segments_of(path, as_clip(np.ones(4000), RATE, name=name))[0].label == label
    as_is = {"a\\b.wav": [(0.0, 0.1, "one name")], "a/b.wav": [(0.0, 0.1, "path")]}
    for name, own in as_is.items():
        assert segments_of(as_is, as_clip(np.ones(4000), RATE, name=name))[0].label == own[0][2]
    written(tmp_path / "folder/ann/a.csv", "start,stop,label\n0,0.1,z\n")
    assert segments_of(tmp_path / "folder", as_clip(np.ones(4000), RATE, name=r"ann\a.wav"))[0].label == "z"


def test_decimal_commas_stand_where_cells_have_another_separator(tmp_path: Path) -> None:
    for mark in (";", "\t"):
        rows = (("start", "stop", "label"), ("0,1", "0,2", "h"), ("2e-1", ".4", "æ"))
        path = written(tmp_path / "t.csv", "".join(mark.join(row) + "\n" for row in rows))
        assert segments_of(path, load_audio(sound(tmp_path))) == PHONES
        assert segments_of(written(path, f"sep={mark}\n" + path.read_text()), load_audio(sound(tmp_path))) == PHONES
