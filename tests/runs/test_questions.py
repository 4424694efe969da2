"""Questions to a sweep against the same answers worked out with pandas and scipy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from made_up_runs import LAYERS, N_CLIPS, made_up, pa, pd, pq, write_run
from otoscope import InputError
from otoscope.runs import Run, diff, questions


def values(variable: str = "mean_activation", seed: int = 0):
    rows, items = made_up(seed)
    return rows[(rows["method"] == "activations") & (rows["variable"] == variable)].merge(items, on="clip")


@pytest.mark.parametrize("variable", ["mean_activation", "rms", "peak"])
def test_top_clips_are_the_largest_over_all_parts(folder: Path, variable: str) -> None:
    found = questions.top(Run(folder), k=4, variable=variable)
    for (layer, channel), group in values(variable).query("value > 0").groupby(["layer", "channel"]):
        best = group.sort_values(["value", "clip"], ascending=[False, True]).head(4)
        mine = found[(found["layer"] == layer) & (found["channel"] == channel)]
        assert mine["clip"].tolist() == best["clip"].tolist() and mine["rank"].tolist() == [1, 2, 3, 4]
        np.testing.assert_array_equal(mine["value"], best["value"])
        np.testing.assert_array_equal(mine["peak_time"], best["clip"] / 100)
        assert mine["speaker"].tolist() == best["speaker"].tolist()


def test_clips_in_which_a_map_is_silent_are_no_top_clips(folder: Path) -> None:
    run = Run(folder)
    assert 3 not in set(questions.top(run, k=100)["channel"])
    assert len(questions.top(run, channel=3)) == len(questions.common(run, questions.top(run, channel=3))) == 0
    assert questions.silent(run).values.tolist() == [[layer, 3] for layer in LAYERS]
    assert len(questions.silent(run, channel=2, variable="rms")) == 0


def test_top_of_one_map_by_the_end_of_its_name(folder: Path) -> None:
    one = questions.top(Run(folder), layer="conv2", channel=1, k=100)
    assert len(one) == N_CLIPS and set(one["layer"]) == {LAYERS[1]} and set(one["channel"]) == {1}
    assert (np.diff(one["value"]) <= 0).all()


def test_what_top_clips_have_in_common(folder: Path) -> None:
    run = Run(folder)
    found = questions.common(run, questions.top(run, layer="conv1", channel=4, k=5)).iloc[0]
    assert (found["fact"], found["fact_value"], found["share"], found["share_of_all"]) == ("speaker", "s0", 1.0, 0.25)
    assert found["p_value"] == pytest.approx(stats.hypergeom.sf(4, N_CLIPS, 6, 5))


def test_dead_maps(folder: Path) -> None:
    found = questions.dead(Run(folder))
    assert found.loc[found["dead"], ["layer", "channel"]].values.tolist() == [[layer, 3] for layer in LAYERS]
    alive = found[~found["dead"]]
    assert (alive["active"] == 1).all() and (alive["active_ci_low"] < 1).all()
    largest = values("rms").groupby(["layer", "channel"])["value"].max()
    for row in found.itertuples():
        assert row.largest_rms == largest[row.layer, row.channel]


def test_means_over_clips_and_speakers(folder: Path) -> None:
    found = questions.summary(Run(folder), method="coherence").set_index("layer")
    rows, items = made_up()
    rows = rows[rows["method"] == "coherence"].merge(items, on="clip")
    for layer in LAYERS:
        of = rows.loc[rows["layer"] == layer, "value"]
        low, high = stats.t.interval(0.95, N_CLIPS - 1, of.mean(), of.std() / np.sqrt(N_CLIPS))
        one = found.loc[layer]
        assert (one["clips"], one["speakers"]) == (N_CLIPS, 4)
        np.testing.assert_allclose(one[["mean", "ci_low", "ci_high"]].astype(float), [of.mean(), low, high])
        of_speakers = rows[rows["layer"] == layer].groupby("speaker")["value"].mean()
        bounds = [of_speakers.min(), of_speakers.max()]
        np.testing.assert_allclose(one[["speakers_low", "speakers_high"]].astype(float), bounds)


@pytest.mark.parametrize("name", ["Speaker", "talker", "client_id"])
def test_speakers_are_known_by_the_usual_names(folder: Path, name: str) -> None:
    items = pq.read_table(folder / "items.parquet").to_pandas()
    pq.write_table(pa.Table.from_pandas(items.rename(columns={"speaker": name})), folder / "items.parquet")
    found = questions.summary(Run(folder), method="coherence")
    assert found["speakers"].tolist() == [4, 4] and found["speakers_low"].notna().all()


def test_the_value_of_a_clip_is_the_mean_over_maps_unless_each_is_asked_for(folder: Path) -> None:
    run = Run(folder)
    whole = questions.summary(run, variable="rms").set_index("layer")
    each = questions.summary(run, variable="rms", each_channel=True)
    assert len(each) == 10
    for layer, group in each.groupby("layer"):
        assert whole.loc[layer, "mean"] == pytest.approx(group["mean"].mean())
    of_label = questions.summary(run, method="coherence", layer="conv1", by="label")
    assert of_label["label"].tolist() == ["0", "1", "2"] and (of_label["clips"] == 8).all()


def test_intervals_over_seeds(folder: Path, tmp_path: Path) -> None:
    others = [Run(write_run(tmp_path / f"seed{seed}", seed)) for seed in (1, 2)]
    found = questions.summary(Run(folder), method="coherence", others=others).set_index("layer")
    for layer in LAYERS:
        means = []
        for seed in (0, 1, 2):
            rows, _ = made_up(seed)
            means.append(rows.loc[(rows["method"] == "coherence") & (rows["layer"] == layer), "value"].mean())
        low, high = stats.t.interval(0.95, 2, np.mean(means), np.std(means, ddof=1) / np.sqrt(3))
        np.testing.assert_allclose(found.loc[layer, ["seeds_low", "seeds_high"]].astype(float), [low, high])
        assert found.loc[layer, "seeds"] == 3


@pytest.mark.parametrize("each_channel", [False, True])
def test_intervals_over_seeds_in_groups(folder: Path, tmp_path: Path, each_channel: bool) -> None:
    runs = [Run(folder), Run(write_run(tmp_path / "other", seed=3))]
    options = {"by": "label", "variable": "rms", "each_channel": each_channel}
    found = questions.summary(runs[0], **options, others=runs[1:])
    means = [questions.summary(run, **options)["mean"].to_numpy() for run in runs]
    assert set(found["seeds"]) == {2} and len(found) == 3 * len(LAYERS) * (5 if each_channel else 1)
    middle = (found["seeds_low"] + found["seeds_high"]) / 2
    np.testing.assert_allclose(middle, np.mean(means, axis=0), atol=1e-9)


def test_errors_by_cause(folder: Path) -> None:
    found = questions.errors(Run(folder)).iloc[0]
    assert (found["cause"], found["clips"], found["first_clip"]) == ("unreadable", 1, "broken.wav")


@pytest.mark.parametrize(
    ("question", "options", "said"),
    [
        (questions.top, {"layer": "conv9"}, "features.conv1, features.conv2"),
        (questions.top, {"channel": 9}, "from 0 to 4"),
        (questions.top, {"variable": "peak_time"}, "not by 'peak_time'"),
        (questions.top, {"k": 0}, "k has to be"),
        (questions.summary, {"method": "relevance"}, "activations, coherence"),
        (questions.summary, {"by": "mood"}, "label, split, speaker"),
    ],
)
def test_what_is_not_there_is_said(folder: Path, question, options, said: str) -> None:
    with pytest.raises(InputError, match=said):
        question(Run(folder), **options)


def test_activations_have_to_have_been_swept(tmp_path: Path) -> None:
    run = Run(write_run(tmp_path / "run", methods={"coherence": {}}))
    with pytest.raises(InputError, match="--methods activations"):
        questions.dead(run)


def test_what_was_left_out_of_the_list_is_among_the_errors(folder: Path) -> None:
    left = {"clip": pa.array([None], pa.int64()), "name": ["gone.wav"], "method": pa.array([None], pa.string())}
    left |= {"cause": ["missing"], "message": ["left out of the list: there is no file gone.wav"]}
    pq.write_table(pa.table(left), folder / "errors/left-out.parquet")
    assert questions.errors(Run(folder))["cause"].tolist() == ["missing", "unreadable"]


def test_numbers_that_name_something_are_not_averaged(tmp_path: Path) -> None:
    folders = [write_run(tmp_path / name, methods={"coherence": {}, "residual_study": {}}) for name in ("a", "b")]
    for folder in folders:
        for path in (folder / "rows").glob("*.parquet"):
            facts = pq.read_schema(path).metadata
            table = pq.read_table(path).to_pandas().astype({"method": str, "variable": str})
            table = table[table["method"] == "coherence"]
            named = [table.assign(method="coherence", variable="channel", value=3.0)]
            named += [
                table.assign(method="residual_study", variable=name, value=value)
                for name, value in {"answer": 2.0, "residual_answer": 1.0, "channel": 4.0, "clip_change": -0.5}.items()
            ]
            written = pa.Table.from_pandas(pd.concat([table, *named]), preserve_index=False)
            pq.write_table(written.replace_schema_metadata(facts), path)
    runs = [Run(folder) for folder in folders]
    expected = {("coherence", "coherence"), ("residual_study", "clip_change")}
    for found in (questions.summary(runs[0]), diff(*runs)):
        assert set(zip(found["method"], found["variable"], strict=True)) == expected
    for ask in (lambda: questions.summary(runs[0], variable="answer"), lambda: diff(*runs, variable="answer")):
        with pytest.raises(InputError, match=r"answer of residual_study is the number of a class.* count it, as in"):
            ask()


def test_others_that_lack_a_method_are_named(folder: Path, tmp_path: Path) -> None:
    less = Run(write_run(tmp_path / "less", methods={"coherence": {}}))
    with pytest.raises(InputError, match=r"less holds no activations.*--method"):
        questions.summary(Run(folder), others=[less])
