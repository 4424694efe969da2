"""The page of runs: its numbers against the tables they are of, and its samples against the files."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from made_up_runs import LAYERS, N_CHANNELS, N_CLIPS, SHARDS, made_up, pd, write_run, write_sounds
from otoscope import InputError
from otoscope.app.export import export
from otoscope.app.page import Page
from otoscope.app.run_facts import facts_of
from otoscope.app.run_maps import selectivity
from otoscope.app.run_page import run_page
from otoscope.app.run_sounds import HEIGHT, WIDTH, thumbnail
from otoscope.app.run_tables import summary_tables
from otoscope.descriptions.folder import write_description
from otoscope.opened import OpenedRun
from otoscope.runs import Run, diff, questions

N = len(LAYERS) * N_CHANNELS


class Box:
    """A part, read as the page reads it, but in Python."""

    def __init__(self, page: Page, name: str) -> None:
        packed = zlib.decompress(page.parts[name])
        length = int.from_bytes(packed[:4], "little")
        self.head, self.body = json.loads(packed[4 : 4 + length]), packed[4 + length :]

    def numbers(self, ref: dict[str, Any]) -> np.ndarray:
        return np.frombuffer(self.body, f"<{ref['type']}", ref["n"], ref["at"])

    def samples(self, ref: dict[str, Any]) -> np.ndarray:
        low, high = (np.frombuffer(self.body, "u1", ref["n"], ref["at"] + k * ref["n"]) for k in (0, 1))
        return np.cumsum((low.astype(int) + 256 * high.astype(int)).astype("u2").view("i2"), dtype="i2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run")


@pytest.fixture
def heard(folder: Path) -> Path:
    return write_sounds(folder)


def rms(seed: int = 0, shift: float = 0.0) -> np.ndarray:
    """The activity of the made-up maps (map, clip)."""
    rows = made_up(seed, shift)[0]
    rows = rows[rows["variable"] == "rms"].sort_values(["layer", "channel", "clip"])
    return rows["value"].to_numpy().reshape(N, N_CLIPS)


def test_maps_have_the_activity_that_the_tables_have(folder: Path) -> None:
    page = run_page([Run(folder)])
    box, values = Box(page, "r0-maps"), rms()
    np.testing.assert_allclose(box.numbers(box.head["activity"]), values.mean(1), rtol=1e-6)
    np.testing.assert_allclose(box.numbers(box.head["largest"]), values.max(1), rtol=1e-6)
    np.testing.assert_allclose(box.numbers(box.head["active"]), (values > 0).mean(1), rtol=1e-6)
    assert box.numbers(box.head["dead"]).tolist() == [0, 0, 0, 1, 0] * 2
    (run,) = page.manifest["runs"]
    assert [(layer["name"], layer["first"], layer["maps"], layer["dead"]) for layer in run["layers"]] == [
        (LAYERS[0], 0, 5, 1),
        (LAYERS[1], 5, 5, 1),
    ]
    assert (run["maps"], run["clips"], run["shards"]) == (N, N_CLIPS, {"done": SHARDS, "of": SHARDS})
    assert page.manifest["kind"] == "run" and "sounds" not in run


def test_activity_by_facts_and_its_quantiles(folder: Path) -> None:
    page, values = run_page([Run(folder)]), rms()
    speakers = np.arange(N_CLIPS) % 4
    means = np.stack([values[:, speakers == one].mean(1) for one in range(4)], axis=1)
    facts = {fact["name"]: fact["values"] for fact in page.manifest["runs"][0]["facts"]}
    assert facts == {"label": ["0", "1", "2"], "speaker": ["s0", "s1", "s2", "s3"]}  # and no split, which is all
    for number in (0, 1):
        box, span = Box(page, f"r0-m-{number}-0"), slice(5 * number, 5 * number + 5)
        found = box.numbers(box.head["by"]["speaker"]).reshape(5, 4)
        np.testing.assert_allclose(found, means[span], rtol=1e-6)
        quantiles = box.numbers(box.head["quantiles"]).reshape(5, -1)
        np.testing.assert_allclose(quantiles, np.quantile(values[span], np.linspace(0, 1, 21), axis=1).T, rtol=1e-5)
    box = Box(page, "r0-maps")
    told = box.head["selectivity"]["speaker"]
    assert box.numbers(told["value"])[4] == 0  # the map that only s0 drives
    others = means[4, 1:].mean()
    expected = (means[4, 0] - others) / (means[4, 0] + others)
    assert box.numbers(told["index"])[4] == pytest.approx(expected, rel=1e-6)
    assert np.isnan(box.numbers(told["index"])[3])


def test_selectivity_of_maps_that_few_clips_drive_is_not_told() -> None:
    index, preferred = selectivity(np.array([[1.0, 0.0], [1.0, np.nan], [2.0, 2.0]]), np.array([7, 20, 20]))
    assert preferred.tolist() == [-1, -1, 0] and index[2] == 0 and np.isnan(index[:2]).all()


def test_top_clips_and_the_maps_that_a_clip_drives(folder: Path) -> None:
    run = Run(folder)
    page = run_page([run], top=3)
    expected = questions.top(run, k=3)
    of_clips: dict[int, set[tuple[int, int]]] = {}
    for number, layer in enumerate(LAYERS):
        box = Box(page, f"r0-m-{number}-0")
        clips, values = (box.numbers(box.head[name]).reshape(5, 3) for name in ("clip", "value"))
        assert (clips[3] == -1).all()  # dead
        for row in expected[expected["layer"] == layer].itertuples():
            assert clips[row.channel, row.rank - 1] == row.clip
            assert values[row.channel, row.rank - 1] == pytest.approx(row.value, rel=1e-6)
            of_clips.setdefault(row.clip, set()).add((5 * number + row.channel, row.rank))
    box = Box(page, "r0-drives")
    first, maps, rank = (box.numbers(box.head[name]) for name in ("first", "map", "rank"))
    for clip in range(N_CLIPS):
        span = slice(first[clip], first[clip + 1])
        assert {*zip(maps[span].tolist(), rank[span].tolist(), strict=True)} == of_clips.get(clip, set())
        assert rank[span].tolist() == sorted(rank[span].tolist())


def test_samples_are_those_that_are_stored(heard: Path) -> None:
    page = run_page([Run(heard)])
    told = page.manifest["runs"][0]["sounds"]
    assert (told["most"], told["rate"], told["rule"]) == (2, 8000, "deconvnet")
    index = pd.read_csv(heard / "sounds/index.csv")
    for row in index.itertuples():
        number = LAYERS.index(row.layer)
        clip, own, maps = Box(page, f"r0-c-{row.clip}"), Box(page, f"r0-s-{number}-0"), Box(page, f"r0-m-{number}-0")
        (piece,) = (one for one in clip.head["pieces"] if one["start"] == row.start)
        np.testing.assert_array_equal(
            clip.samples(piece["signal"]), soundfile.read(heard / "sounds" / row.file, dtype="int16")[0]
        )
        found = own.head["maps"][str(row.channel)][row.rank - 1]
        assert found["rank"] == row.rank
        stored = soundfile.read(heard / "sounds" / row.sonification, dtype="int16")[0]
        np.testing.assert_array_equal(own.samples(found["signal"]), stored)
        assert maps.head["sounds"][str(row.channel)][row.rank - 1][:3] == [row.rank, row.clip, row.start]
    box = Box(page, "r0-maps")
    assert box.numbers(box.head["sounds"]).tolist() == [2, 2, 2, 0, 2] * 2
    assert not [name for name in run_page([Run(heard)], sounds=0).parts if "-s-" in name]
    assert run_page([Run(heard)], sounds=1).manifest["runs"][0]["sounds"]["most"] == 1


def test_a_tone_stands_in_its_thumbnail_where_it_is_in_time_and_frequency() -> None:
    rate = 8000
    time = np.arange(rate) / rate
    tone = np.where(time > 0.5, np.sin(2 * np.pi * 1000 * time), 0) * 20000
    found = thumbnail(tone.astype("i2"), rate)
    assert found.shape == (HEIGHT, WIDTH)
    low, high = (2595 * np.log10(1 + f / 700) for f in (50, 4000))
    expected = (2595 * np.log10(1 + 1000 / 700) - low) / (high - low) * (HEIGHT - 1)
    assert abs(found[:, 36].argmax() - expected) <= 1
    assert found[:, :22].max() < 1e-3 * found.max()
    assert thumbnail(np.zeros(3, "i2"), rate).shape == (HEIGHT, WIDTH)


def test_sounds_that_are_lost_or_of_another_run(heard: Path) -> None:
    lost = next((heard / "sounds").glob("*/0/*sonification.wav"))
    lost.unlink()
    (note,) = run_page([Run(heard)]).manifest["runs"][0]["notes"]
    name = lost.relative_to(heard / "sounds")
    assert note == f"1 of the stored sounds is missing: not in the folder of the run ({name})"
    about = heard / "sounds/about.json"
    about.write_text(json.dumps({"fingerprint": "other", "rule": "deconvnet"}))
    with pytest.raises(InputError, match="holds sounds of another run: leave them out with --sounds 0"):
        run_page([Run(heard)])
    about.write_text("[")
    with pytest.raises(InputError, match=r"about.json cannot be read"):
        run_page([Run(heard)])
    (heard / "sounds/index.csv").write_text("layer\nconv\n")
    about.unlink()
    with pytest.raises(InputError, match=r"cannot be read"):
        run_page([Run(heard)])


def test_differences_are_those_of_diff(folder: Path, tmp_path: Path) -> None:
    runs = [Run(folder), Run(write_run(tmp_path / "other", seed=5, shift=0.2))]
    page = run_page(runs)
    (told,) = page.manifest["differences"]
    box = Box(page, told["part"])
    found = {name: box.numbers(box.head[name]) for name in box.head}
    expected = diff(*runs, method="activations", variable="rms", each_channel=True)
    expected = expected.sort_values(["layer", "channel"])
    for name in ("difference", "p_value", "first", "second"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, atol=1e-7)
    pairs = zip(rms(), rms(5, 0.2), strict=True)
    with np.errstate(invalid="ignore"):
        alike = [np.corrcoef(*pair)[0, 1] for pair in pairs]
    np.testing.assert_allclose(found["correlation"], alike, rtol=1e-5)
    assert found["other"].tolist() == [*range(N)] and told["clips"] == N_CLIPS
    assert [layer["maps"] for layer in told["layers"]] == [5, 5] and told["notes"] == []


def test_runs_that_have_little_in_common_are_shown_with_a_note(folder: Path, tmp_path: Path) -> None:
    other = write_run(tmp_path / "other", methods={"coherence": {}})
    page = run_page([Run(folder), Run(other)])
    (told,) = page.manifest["differences"]
    assert "only the first has activations, output" in told["notes"] and "part" not in told
    assert told["rows"]["rows"] > 0
    assert "layers" not in page.manifest["runs"][1]


def test_names_are_text_and_the_folder_of_the_data_is_not_told(tmp_path: Path) -> None:
    evil = "</script><!--\u2028\ud800"
    run = write_run(tmp_path / "run", model={"name": evil, "sha256": "0", "given": "m", "subject": {}})
    items = pd.read_parquet(run / "items.parquet")
    items["name"] = "/home/me/data/</script>" + items["name"]
    items["label"] = "<b>" + items["label"]
    items.to_parquet(run / "items.parquet")
    page = run_page([Run(run)])
    assert "<" not in page.text() and "\u2028" not in page.text() and "/home" not in page.text()
    assert page.manifest["runs"][0]["model"].startswith("</script><!--")
    box = Box(page, "r0-clips")
    assert box.head["names"][0] == "clip0.wav" or box.head["names"][0].endswith("clip0.wav")
    assert not any("/home" in name for name in box.head["names"])
    assert box.head["facts"][0]["values"] == ["<b>0", "<b>1", "<b>2"]


def test_a_page_tells_nothing_of_the_folders_of_the_machine(tmp_path: Path) -> None:
    here = "/home/me/secret"
    run = write_run(
        tmp_path / "run",
        model={"name": "m", "sha256": "0", "given": f"{here}/model", "subject": {}},
        methods={"activations": {"noise": f"{here}/noise.wav"}, "coherence": {}, "output": {}},
        data={"given": f"{here}/my clips@test", "by": None, "count": 24, "sha256": "1", "ids": "path"},
        message=f"{here}/broken.wav cannot be read",
    )
    items = pd.read_parquet(run / "items.parquet")
    items["name"] = [f"{here}/{name}" if n else "elsewhere.wav" for n, name in enumerate(items["name"])]
    items["speaker"] = f"{here}/" + items["speaker"]
    items.to_parquet(run / "items.parquet")
    page = run_page([Run(run)])
    (info,) = page.manifest["runs"]
    assert info["data"] == "my clips@test" and page.manifest["title"] == "m on my clips@test"
    assert info["methods"]["activations"] == {"noise": "noise.wav"}
    boxes = [Box(page, name).head for name in page.parts]
    assert any("broken.wav cannot be read" in json.dumps(head) for head in boxes)
    assert here not in page.text() and not any("secret" in json.dumps(head) for head in boxes)
    assert "secret" not in (export([Run(run)], tmp_path / "site").folder / "summary.json").read_text()


def test_a_run_whose_arguments_are_no_numbers_is_shown(tmp_path: Path) -> None:
    methods = {"activations": {"window": float("nan"), "band": [0.0, float("inf")]}, "coherence": {}}
    folder = write_run(tmp_path / "run", methods=methods, versions={"otoscope": "0.1.0", "build": float("nan")})
    assert "NaN" in (folder / "run.json").read_text()
    site = export([Run(folder)], tmp_path / "site").folder
    (said,) = json.loads((site / "summary.json").read_text())["runs"]
    assert said["methods"]["activations"] == {"window": "nan", "band": [0.0, "inf"]}
    assert said["versions"] == {"otoscope": "0.1.0", "build": "nan"}


def test_clips_have_their_facts_and_what_the_model_said(folder: Path) -> None:
    box = Box(run_page([Run(folder)]), "r0-clips")
    words = {fact["name"]: [fact["values"][code] for code in box.numbers(fact["codes"])] for fact in box.head["facts"]}
    assert words["speaker"] == [f"s{n % 4}" for n in range(N_CLIPS)]
    assert words["answer"] == [str(n % 2) for n in range(N_CLIPS)]
    numbers = {fact["name"]: box.numbers(fact["values"]) for fact in box.head["numbers"]}
    assert (numbers["seconds"] == 1).all()
    tables = Box(run_page([Run(folder)]), "r0-tables").head
    assert [one["name"] for one in tables["tables"]] == ["activations", "coherence"]
    assert tables["errors"]["columns"][0] == {"name": "cause", "values": ["unreadable"]}


def test_a_label_that_the_data_call_by_a_name_has_that_name(folder: Path) -> None:
    items = pd.read_parquet(folder / "items.parquet")
    items.assign(digit=items["label"], level=np.arange(N_CLIPS) / 2).to_parquet(folder / "items.parquet")
    facts = facts_of(Run(folder))
    assert [fact.name for fact in facts.by_name] == ["digit", "speaker"]
    assert [fact.name for fact in facts.by_number] == ["level", "seconds"]


def test_descriptions_are_those_of_describe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("made_up_runs.N_CLIPS", 96)  # enough to be halved
    folder = write_run(tmp_path / "run")
    found = OpenedRun(folder).describe(measured=False, shuffles=19)
    write_description(found, tmp_path / "told")
    for given in (found, tmp_path / "told"):
        page = run_page([Run(folder)], described=[given])
        told = Box(page, "r0-maps").head["described"]
        assert told["sentences"] == found.maps["description"].tolist()
        assert page.manifest["runs"][0]["layers"][0]["described"] == int(found.maps["described"][:5].sum())
    other = Run(write_run(tmp_path / "other", methods={"coherence": {}}))
    with pytest.raises(InputError, match="holds no activations, of which maps are described"):
        run_page([other], described=[tmp_path / "told"])
    strangers = found.maps.assign(layer="elsewhere")
    strangers.to_parquet(tmp_path / "told/maps.parquet")
    with pytest.raises(InputError, match=r"describes maps that .* does not have"):
        run_page([Run(folder)], described=[tmp_path / "told"])
    strangers.drop(columns="fact").to_parquet(tmp_path / "told/maps.parquet")
    with pytest.raises(InputError, match="has no column fact"):
        run_page([Run(folder)], described=[tmp_path / "told"])
    with pytest.raises(InputError, match=r"holds no maps\.parquet"):
        run_page([Run(folder)], described=[tmp_path])


def test_a_sweep_that_is_not_done_is_shown_as_far_as_it_is(folder: Path) -> None:
    (folder / "rows/part-00001.parquet").unlink()
    with pytest.raises(InputError, match="is not done"):
        Run(folder)
    page = run_page([Run(folder, partial=True)])
    assert page.manifest["runs"][0]["notes"] == [f"this sweep is not done: 2 of {SHARDS} shards are here"]
    assert all(page.parts[name] for name in page.parts)


def test_an_evaluation_has_its_confusion_and_how_sure_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "scored"
    folder.mkdir()
    names = [f"{n}.wav" for n in range(8)]
    pd.DataFrame({"clip": range(8), "name": names, "seconds": 1.0}).to_parquet(folder / "items.parquet")
    scores = {"clip": range(8), "label": list("aaaabbbb"), "answer": list("aaabbbba")}
    scores |= {
        "probability": [0.95, 0.9, 0.9, 0.55, 0.5, 1.0, 0.75, 0.2],
        "correct": [True] * 3 + [False] + [True] * 3 + [False],
    }
    pd.DataFrame(scores).to_parquet(folder / "scores.parquet")
    model = {"name": "m", "sha256": "0", "given": "m"}
    info = {"schema": 1, "kind": "evaluation", "model": model, "methods": {"evaluate": {}}}
    info |= {"data": {"given": "d", "count": 8}, "classes": ["a", "b"], "versions": {"otoscope": "0.1.0"}}
    (folder / "run.json").write_text(json.dumps(info))
    page = run_page([Run(folder)])
    found = page.manifest["runs"][0]["evaluation"]
    assert found["confusion"] == {"classes": ["a", "b"], "counts": [3, 1, 1, 3]}
    assert found["sure"]["right"] == [0, 0, 0, 0, 0, 1, 0, 1, 0, 4] and sum(found["sure"]["wrong"]) == 2
    box = Box(page, "r0-clips")
    assert {fact["name"] for fact in box.head["facts"]} == {"answer", "is"}


def test_the_sound_itself_comes_before_the_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(write_run(tmp_path / "run"))
    layers = ["conv10", "input", "conv2"]
    rows = pd.DataFrame({"method": "data_flow", "layer": layers, "variable": "deviation", "mean": [1.0, 2.0, 3.0]})
    monkeypatch.setattr(questions, "summary", lambda run, method: rows)
    table = summary_tables(run)[0]
    assert next(one["values"] for one in table["columns"] if one["name"] == "layer") == ["input", "conv2", "conv10"]
