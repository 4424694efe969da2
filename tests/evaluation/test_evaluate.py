"""Scores of whole data sets: what a card says, metrics recomputed from the scores, groups, and what is left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import xarray as xr
from torch import nn

import otoscope
from otoscope import InputError, Scope, sweep
from otoscope.contract import Contract
from otoscope.data import DataSet, Item
from otoscope.evaluation.measures import OneClass
from otoscope.evaluation.report import report
from otoscope.evaluation.spread import over_clips
from otoscope.metrics import equal_error_rate, mean_average_precision

pyarrow = pytest.importorskip("pyarrow")
pytest.importorskip("pyarrow.parquet")
pytest.importorskip("sklearn")
RATE = 8000


class Level(nn.Module):
    """Whether a sound is loud: the logit of each class is linear in its power."""

    def __init__(self, classes: tuple[str, ...] = ("quiet", "loud")) -> None:
        super().__init__()
        self.classes, self.sample_rate = classes, RATE
        self.weight = nn.Parameter(torch.tensor([[-1.0], [1.0]]))

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        power = waveform.pow(2).mean((1, 2), keepdim=False)[:, None]
        return (power - 0.05) * 40 * self.weight.T


def sound(level: float, seed: int, samples: int = 800, name: str = "") -> xr.DataArray:
    values = level * np.random.default_rng(seed).normal(size=samples)
    attrs = {"sample_rate": RATE, "name": name or f"clip {seed}"}
    return xr.DataArray(values.astype(np.float32), dims="time", attrs=attrs)


def items(count: int = 40, speakers: int = 4) -> list[Item]:
    rng = np.random.default_rng(1)
    found = []
    for number in range(count):
        loud = number % 2
        level = 0.22 + (0.04 if loud else -0.04) + 0.04 * rng.normal()
        facts = {"speaker": f"s{number % speakers}", "age": str(20 + number)}
        found.append(Item(sound(level, number), (("quiet", "loud")[loud],), facts=facts))
    return found


def test_the_score_of_a_card_comes_out_again(data: Path) -> None:
    found = otoscope.evaluate(Scope("fsdd-digit"), f"fsdd@test:{data / 'fsdd'}", resamples=200)
    content = report(found)
    assert content["accuracy"] == pytest.approx(0.963333, abs=1e-6)
    assert content["ci_low"] < content["accuracy"] < content["ci_high"]
    assert np.trace(content["confusion"]["counts"]) == 289 and len(content["wrong"]) == 11
    by_speaker = [row for row in content["groups"] if row["by"] == "speaker" and row["metric"] == "accuracy"]
    assert [row["clips"] for row in by_speaker] == [50] * 6
    assert np.mean([row["value"] for row in by_speaker]) == pytest.approx(content["accuracy"])
    assert content["speakers_interval"] == "range"
    assert content["rows"][0]["speakers_low"] == min(row["value"] for row in by_speaker)


def test_metrics_are_those_of_the_scores() -> None:
    found = otoscope.evaluate(Scope(Level()), items(), resamples=50)
    loud = (found["label"] == "loud").values
    assert (found["correct"] == (found["answer"] == found["label"])).all()
    assert found["value"].sel(metric="accuracy") == found["correct"].mean()
    evidence = found["scores"].values[:, 1] - found["scores"].values[:, 0]
    assert found["value"].sel(metric="equal_error_rate") == pytest.approx(equal_error_rate(evidence, loud))
    softmax = torch.tensor(found["scores"].values).softmax(1).max(1).values.numpy()
    np.testing.assert_allclose(found["probability"], softmax, atol=1e-6)
    power = np.array([float((one.sound.astype(float) ** 2).mean()) for one in items()])
    np.testing.assert_allclose(found["level"], 10 * np.log10(power), atol=1e-4)
    assert found.attrs["positive"] == "loud"


def test_the_other_class_can_be_the_one_that_is_detected() -> None:
    mine, other = (
        otoscope.evaluate(Scope(Level()), items(), resamples=2, positive=name, p_target=0.2)
        for name in ("loud", "quiet")
    )
    assert mine["value"].sel(metric="auc") == pytest.approx(float(other["value"].sel(metric="auc")))
    assert mine["value"].sel(metric="min_dcf") != other["value"].sel(metric="min_dcf")
    with pytest.raises(InputError, match="quiet, loud"):
        otoscope.evaluate(Scope(Level()), items(), positive="silent")


def test_a_single_logit_is_that_of_the_second_class() -> None:
    class Single(Level):
        def forward(self, waveform: torch.Tensor) -> torch.Tensor:
            both = super().forward(waveform)
            return both[:, 1:] - both[:, :1]

    single, both = (otoscope.evaluate(Scope(model()), items(), resamples=2) for model in (Single, Level))
    assert (single["answer"].values == both["answer"].values).all()
    np.testing.assert_allclose(single["probability"], both["probability"], atol=1e-6)


def test_several_classes_a_clip() -> None:
    clips = [
        Item(one.sound, ("quiet", "loud") if number % 5 == 0 else one.labels) for number, one in enumerate(items())
    ]
    found = otoscope.evaluate(Scope(Level()), clips, resamples=20)
    assert list(found["metric"].values) == ["mean_average_precision", "mean_auc", "d_prime", "calibration_error"]
    assert "confusion" not in found and 0.5 < found["value"].sel(metric="mean_auc") <= 1
    assert report(found)["mean_average_precision"] == found["value"][0]


def test_speakers_are_drawn_whole_where_there_are_ten() -> None:
    few, many = (otoscope.evaluate(Scope(Level()), items(speakers=n), resamples=50) for n in (4, 10))
    assert (few.attrs["speakers_interval"], many.attrs["speakers_interval"]) == ("range", "bootstrap")
    assert (many["speakers_low"] <= many["speakers_high"]).all()


def test_a_clip_without_a_speaker_leaves_the_interval_over_speakers() -> None:
    nameless = [replace(one, facts={}) if number == 3 else one for number, one in enumerate(items(speakers=10))]
    found = otoscope.evaluate(Scope(Level()), nameless, by=[], resamples=20)
    assert (found.attrs["speakers"], found.attrs["speakers_interval"]) == (10, "bootstrap")
    assert "1 of 40 clips name no speaker" in found.attrs["note"]


@pytest.mark.parametrize("seed", range(3))
def test_an_interval_is_about_its_value(seed: int) -> None:
    """Of few clips a calibration error is larger in nearly every draw than in the clips themselves."""
    rng = np.random.default_rng(seed)
    likely = np.linspace(0.55, 0.95, 20)
    right = rng.uniform(size=20) < likely
    scores = np.log(np.stack([np.where(right, likely, 1 - likely), np.where(right, 1 - likely, likely)], 1))
    measures = OneClass(scores, np.exp(scores), np.zeros(20, int))
    values = measures.measured(np.arange(20))
    low, high = over_clips(measures.measured, np.arange(20), resamples=400, seed=0)
    known = ~np.isnan(values) & ~np.isnan(low)
    assert known.any() and (low[known] <= values[known] + 1e-12).all() and (values[known] <= high[known] + 1e-12).all()
    assert (low[known] >= 0).all() and (high[known] <= 1).all()


@pytest.mark.parametrize("name", ["Speaker", "talker", "client_id", "SPEAKER ID", "spk"])
def test_speakers_are_known_by_the_usual_names(name: str) -> None:
    renamed = [replace(one, facts={"age": one.facts["age"], name: one.facts["speaker"]}) for one in items()]
    found = otoscope.evaluate(Scope(Level()), renamed, by=[], resamples=20)
    assert found.attrs["speakers"] == 4 and found.attrs["speakers_interval"] == "range"


def test_groups_by_facts_and_by_what_is_measured() -> None:
    found = otoscope.evaluate(Scope(Level()), items(), by=["speaker", "age", "level"], resamples=20)
    table = found[["group_by", "group_name", "group_clips"]].to_pandas()
    assert table.groupby("group_by")["group_clips"].sum().to_dict() == {"speaker": 40, "age": 40, "level": 40}
    assert (table["group_by"] == "age").sum() == 4 and (table["group_by"] == "level").sum() == 4
    whole = float(found["value"].sel(metric="accuracy"))
    for by in ("speaker", "age", "level"):
        part = found.isel(group=(found["group_by"] == by).values)
        share = (part["group_value"].sel(metric="accuracy") * part["group_clips"]).sum() / 40
        assert float(share) == pytest.approx(whole)
    with pytest.raises(InputError, match="speaker, age, duration, level"):
        otoscope.evaluate(Scope(Level()), items(), by=["mood"])


def test_a_long_sound_to_a_model_of_one_length_is_scored_along_all_of_it() -> None:
    model, long = Level(), sound(0.2, 3, samples=2000)
    scope = Scope(model, contract=Contract(sample_rate=RATE, classes=model.classes, length=800))
    found = otoscope.evaluate(scope, [Item(long, ("quiet",)), Item(sound(0.4, 4), ("loud",))], resamples=2)
    np.testing.assert_allclose(found["scores"][0], scope.output(long)[0].numpy(), rtol=1e-5)


def test_what_cannot_be_scored_is_named_by_cause(tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF no sound")
    nothing = Item(sound(0.1, 9, name="no label"), ())
    other = Item(sound(0.1, 8, name="other"), ("deafening",))
    empty = Item(xr.DataArray(np.full(800, np.nan, np.float32), dims="time", attrs={"sample_rate": RATE}), ("loud",))
    found = otoscope.evaluate(
        Scope(Level()), [nothing, *items(10), other, Item(tmp_path / "broken.wav", ("loud",)), empty], resamples=2
    )
    content = report(found)
    assert content["clips"] == 10
    assert content["left_out"] == {"unlabelled": 1, "another class": 1, "unreadable": 1, "not finite": 1}
    assert any("broken.wav" in one["clip"] for one in content["problems"])
    with pytest.raises(InputError, match="deafening"):
        otoscope.evaluate(Scope(Level()), [other])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"by": ["speaker", "mood"]}, "no clip has the fact 'mood'"),
        ({"by": ["speaker:bins"]}, "which is not a number"),
        ({"positive": "louder"}, "positive chooses one of two classes, and Level has quiet, loud: not 'louder'"),
        ({"positive": "loud", "multilabel": True}, "a clip may have several"),
    ],
)
def test_wrong_arguments_are_said_before_anything_is_scored(given: dict[str, Any], said: str) -> None:
    done: list[int] = []
    with pytest.raises(InputError, match=said):
        otoscope.evaluate(Scope(Level()), items(), **given, progress=lambda count, total: done.append(count))
    assert done == []


def test_another_number_of_scores_than_of_classes_is_said_at_the_first_answer() -> None:
    done: list[int] = []
    scope = Scope(Level(), classes=["a", "quiet", "loud"])
    with pytest.raises(InputError, match="names 3 classes and answers with 2 scores"):
        otoscope.evaluate(scope, items(), batch_size=4, progress=lambda count, total: done.append(count))
    assert done == []


def test_what_is_said_of_the_data_is_a_note(tmp_path: Path) -> None:
    for name in ("train/loud/a.wav", "test/quiet/b.wav"):
        (tmp_path / name).parent.mkdir(parents=True)
        soundfile.write(tmp_path / name, 0.1 * np.random.default_rng(0).normal(size=900), RATE)
    found = otoscope.evaluate(Scope(Level()), tmp_path, resamples=2)
    assert "taken as parts of a split" in found.attrs["note"]


def test_a_model_without_names_of_classes_is_asked_for_them() -> None:
    model = Level()
    del model.classes
    with pytest.raises(InputError, match=r"classes=\[\.\.\.\]"):
        otoscope.evaluate(Scope(model), items())


def test_clips_that_meet_in_the_model_are_scored_alone() -> None:
    class Meeting(Level):
        def forward(self, waveform: torch.Tensor) -> torch.Tensor:
            return super().forward(waveform / waveform.abs().amax() * 0.5)

    scope = Scope(Meeting())
    found = otoscope.evaluate(scope, items(6), resamples=2)
    alone = np.stack([scope.output(one.sound)[0].detach().numpy() for one in items(6)])
    np.testing.assert_allclose(found["scores"], alone, rtol=1e-5)


def test_the_same_seed_gives_the_same_intervals() -> None:
    first, again, other = (otoscope.evaluate(Scope(Level()), items(), resamples=30, seed=seed) for seed in (1, 1, 2))
    xr.testing.assert_identical(first["ci_low"], again["ci_low"])
    assert not first["ci_low"].equals(other["ci_low"])


def test_files_are_read_piece_by_piece(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "two.wav", np.concatenate([sound(0.1, 1), sound(0.4, 2)]), RATE, subtype="FLOAT")
    pieces = [Item(tmp_path / "two.wav", ("quiet",), stop=0.1), Item(tmp_path / "two.wav", ("loud",), start=0.1)]
    found = otoscope.evaluate(Scope(Level()), pieces, resamples=2)
    assert found["correct"].all() and found["seconds"].values.tolist() == [0.1, 0.1]


def test_facts_with_decimal_commas_are_numbers_and_unique_ones_make_no_groups() -> None:
    clips = [
        Item(one.sound, one.labels, facts={"snr": f"{number / 4}".replace(".", ","), "id": f"clip {number}"})
        for number, one in enumerate(items())
    ]
    found = otoscope.evaluate(Scope(Level()), clips, by=["snr"], resamples=2)
    assert found["group_clips"].values.tolist() == [10] * 4 and found["group_name"][0] == "0 to 2.44"
    assert "group" not in otoscope.evaluate(Scope(Level()), clips, resamples=2).dims


def test_a_model_that_draws_numbers_is_scored_with_a_note() -> None:
    class Drawing(Level):
        def forward(self, waveform: torch.Tensor) -> torch.Tensor:
            return super().forward(waveform) + torch.rand(1)

    assert any("draws random numbers" in one for one in report(otoscope.evaluate(Scope(Drawing()), items(4)))["notes"])


def test_causes_are_those_of_a_sweep(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("no sound")
    soundfile.write(tmp_path / "a.wav", np.full(800, 0.1), RATE)
    sounds = [Item(tmp_path / name, ("loud",)) for name in ("a.wav", "empty.wav", "text.wav", "gone.wav")]
    sounds += [Item(tmp_path / "a.wav", ("loud",), start=0.05, stop=5.0)]

    class Fails(Level):
        def forward(self, waveform: torch.Tensor) -> torch.Tensor:
            if (waveform.amin((1, 2)) > 0.5).any():
                raise OSError("too loud")
            return super().forward(waveform)

    loud = Item(sound(0.0, 1) + np.float32(0.9), ("loud",))
    found = report(otoscope.evaluate(Scope(Fails()), [*items(4), *sounds, loud], resamples=2))
    done = sweep(Scope(Fails()), [*sounds, loud], methods="output", out=tmp_path / "run", workers=0, shard_size=9)
    expected = {"empty": 1, "unreadable": 1, "missing": 1, "no piece": 1, "failed": 1}
    assert found["left_out"] == expected and done.causes == expected
    said = {one["cause"]: one["message"] for one in found["problems"]}
    assert said["failed"] == "OSError: too loud" and "0.100 s long and has no piece" in said["no piece"]
    written = pyarrow.parquet.read_table(tmp_path / "run/errors/part-00000.parquet").to_pylist()
    assert {row["cause"]: row["message"] for row in written} == said


def test_numbers_are_the_same_class_in_another_form() -> None:
    clips = [Item(one.sound, (("0.0", "01")[one.labels == ("loud",)],)) for one in items(20)]
    found = otoscope.evaluate(Scope(Level(("0", "1"))), clips, resamples=2)
    assert set(found["label"].values) == {"0", "1"} and found["value"].sel(metric="accuracy") > 0.7
    clips = [Item(one.sound, ("1",)) for one in items(2)]
    with pytest.raises(InputError, match=r"'1' is not a class of the model, which are 1\.0, 01"):
        otoscope.evaluate(Scope(Level(("1.0", "01"))), clips, resamples=2)


@pytest.mark.parametrize("by", ["label", "speaker"])
def test_a_group_of_one_class_has_no_means_over_classes(by: str) -> None:
    clips = [Item(one.sound, one.labels, facts={"speaker": one.labels[0], "site": "here"}) for one in items()]
    found = otoscope.evaluate(Scope(Level()), clips, by=[by, "site"], resamples=20)
    own = found.isel(group=(found["group_by"] == by).values)
    for name in ("balanced_accuracy", "uar", "f1"):
        for what in ("group_value", "group_ci_low", "group_ci_high"):
            assert np.isnan(own[what].sel(metric=name)).all()
        assert np.isnan(found["speakers_low"].sel(metric=name)) and np.isfinite(found["value"].sel(metric=name))
        assert np.isfinite(found["group_value"].sel(metric=name)[-1])
    assert np.isfinite(own["group_value"].sel(metric="accuracy")).all()
    assert f"groups by {by} have clips of one class alone" in found.attrs["note"]


class Tagger(nn.Module):
    """Logits of three tags, of which a clip may have any."""

    classes, sample_rate = ("dog", "cat", "rain"), RATE

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.conv = nn.Conv1d(1, 3, 40, stride=10)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = 20 * self.conv(waveform).mean(-1)
        return logits


TAGS = (["dog"], ["dog", "cat"], [], ["rain"], ["cat", "rain"], ["dog"])


def tagged(*places: int) -> list[tuple[xr.DataArray, list[str]]]:
    return [(sound(0.2, place), TAGS[place]) for place in places or range(len(TAGS))]


def test_clips_of_several_classes_have_sigmoids_and_one_without_a_label_is_scored() -> None:
    scope = Scope(Tagger())
    found = otoscope.evaluate(scope, tagged(), resamples=5)
    assert found.sizes["clip"] == 6 and found["label"].values.tolist() == [",".join(tags) for tags in TAGS]
    logits = torch.cat([scope.output(wave).detach() for wave, _ in tagged()])
    np.testing.assert_allclose(found["probability"], logits.sigmoid().amax(1), atol=1e-5)
    targets = np.array([[tag in tags for tag in Tagger.classes] for tags in TAGS])
    precision = float(found["value"].sel(metric="mean_average_precision"))
    assert precision == pytest.approx(mean_average_precision(logits.numpy(), targets))
    assert any("sigmoids of the logits" in note for note in report(found)["notes"])
    assert bool(found["correct"][2]) == bool(logits[2].sigmoid().max() < 0.5)


def test_the_task_is_that_of_the_data_and_not_of_a_part_of_it() -> None:
    part = otoscope.evaluate(Scope(Tagger()), tagged(0, 3, 5), resamples=5)  # a label each, in lists
    assert part["metric"][0] == "mean_average_precision"
    data = DataSet(tuple(Item(sound(0.2, n), (TAGS[n][0],)) for n in (0, 3, 5)), Tagger.classes, multilabel=True)
    assert otoscope.evaluate(Scope(Tagger()), data, resamples=5)["metric"][0] == "mean_average_precision"
    one = otoscope.evaluate(Scope(Tagger()), data, resamples=5, multilabel=False)
    assert one["metric"][0] == "accuracy" and one["probability"][0] != part["probability"][0]
    assert otoscope.evaluate(Scope(Level()), items(4), resamples=5, multilabel=True)["metric"][1] == "mean_auc"
    with pytest.raises(InputError, match="clip 1 has several classes: leave multilabel out"):
        otoscope.evaluate(Scope(Tagger()), tagged(0, 1), multilabel=False)


def test_a_clip_without_a_label_is_left_out_where_clips_have_one_class() -> None:
    found = otoscope.evaluate(Scope(Level()), [(sound(0.2, 1), "loud"), sound(0.2, 2)], resamples=5)
    assert report(found)["left_out"] == {"unlabelled": 1}


def test_files_and_waves_with_labels_are_taken(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", sound(0.1, 1), RATE, subtype="FLOAT")
    pairs = [(tmp_path / "a.wav", "quiet"), (str(tmp_path / "a.wav"), "quiet"), (np.asarray(sound(0.4, 2)), "loud")]
    assert otoscope.evaluate(Scope(Level()), pairs, resamples=5, by="duration")["correct"].all()
    with pytest.raises(InputError, match=r"no clip of the data set can be judged; .*a\.wav: it has no label"):
        otoscope.evaluate(Scope(Level()), [str(tmp_path / "a.wav")])
    with pytest.raises(InputError, match="no clip of the data set can be judged"):
        otoscope.evaluate(Scope(Level()), [])
    with pytest.raises(InputError, match="'speaker' chooses the class of a data set that is named"):
        otoscope.evaluate(Scope(Level()), items(4), task="speaker")


def test_a_limit_is_drawn_evenly_over_the_classes() -> None:
    clips = [Item(sound(0.2, n), ("loud" if n else "quiet",)) for n in range(9)]
    found = otoscope.evaluate(Scope(Level()), clips, limit=2, resamples=5)
    assert sorted(found["label"].values) == ["loud", "quiet"]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"limit": 0}, "limit has to be 1 or more, not 0"),
        ({"limit": -1}, "limit has to be 1 or more, not -1"),
        ({"resamples": 0}, "resamples has to be 1 or more, not 0"),
        ({"batch_size": 0}, "batch_size has to be 1 or more, not 0"),
        ({"seed": -1}, "seed has to be a whole number"),
        ({"p_target": 0}, "p_target is a probability above 0 and below 1, not 0"),
        ({"p_target": 1.5}, "p_target is a probability above 0 and below 1, not 1.5"),
        ({"p_target": float("nan")}, "p_target is a probability"),
    ],
)
def test_numbers_out_of_range_are_refused(argument: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        otoscope.evaluate(Scope(Level()), items(4), **argument)  # type: ignore[arg-type]


def test_data_without_labels_say_what_could_be_one(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", sound(0.1, 1), RATE, subtype="FLOAT")
    (tmp_path / "list.csv").write_text("path,loudness\na.wav,loud\n")
    with pytest.raises(InputError, match=r"it has no label; .* choose one of loudness \(--task\)"):
        otoscope.evaluate(Scope(Level()), tmp_path / "list.csv")
