"""Scope: waves in every layout, models of every kind, and results that say where they came from."""

from __future__ import annotations

import copy
import json
import pickle
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import torch.nn.functional as F
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError, Scope, __version__, load, load_audio
from otoscope.contract import Contract
from otoscope.models import save, weights_digest

METHODS = {"strs": "strs", "crs": "crs", "relevance": "relevance", "sonify": "sonification"}
"""Methods of a sound, and their main variables."""


def heard(scope: Scope, wave: Any, method: str) -> Any:
    options = {"layer": scope_layer(scope)} if method == "sonify" else {}
    return getattr(scope, method)(wave, **options)


def scope_layer(scope: Scope) -> str:
    return next(name for name, tap in scope.taps().items() if tap.kind == "activation")


def classifier(channel_axis: bool = True, **attributes: Any) -> nn.Module:
    """A small network on (batch, 1, time), or on (batch, time)."""

    class Small(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 6, 20, stride=5)
            self.out = nn.Linear(6, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = x if channel_axis else x[:, None]
            if x.ndim != 3 or x.shape[1] != 1:
                raise AssertionError  # as an `assert` without a message
            return self.out(F.relu(self.conv(x)).mean(-1))

    torch.manual_seed(0)
    model = Small()
    for name, value in attributes.items():
        setattr(model, name, value)
    return model


# -- Waves ------------------------------------------------------------------------------------------------


def test_models_take_a_channel_axis_or_none(clip: Tensor) -> None:
    with_axis, without = Scope(classifier(True), 8000), Scope(classifier(False), 8000)
    assert with_axis.inputs(clip).shape == (1, 1, 4000)
    assert without.inputs(clip).shape == (1, 1, 4000)  # of which the network takes the axis away
    assert without.contract.layout == "(batch, time)"
    for method in METHODS:
        one, other = heard(with_axis, clip, method), heard(without, clip, method)
        xr.testing.assert_allclose(one.drop_attrs(), other.drop_attrs(), rtol=1e-4, atol=1e-7)


def test_arrays_tensors_and_loaded_files_are_the_same_wave(scope: Scope, tone: Path) -> None:
    wave = load_audio(tone)
    outputs = [scope.output(one) for one in (wave, wave.values, torch.from_numpy(wave.values), wave.values.tolist())]
    outputs.append(scope.output(wave.values.astype(np.float64)))
    outputs.append(scope.output(np.round(wave.values * 2**15).astype(np.int16)))
    for output in outputs:
        assert torch.equal(output, outputs[0])
    assert outputs[0].shape == (1, 4)


def test_batches_have_a_clip_axis_and_single_waves_have_none(scope: Scope, clip: Tensor) -> None:
    batch = torch.stack([clip, 0.5 * clip.flip(0)])
    for method in METHODS:
        single, together = heard(scope, clip, method), heard(scope, batch, method)
        assert "clip" not in single.dims
        assert together.sizes["clip"] == 2
        if method != "sonify":  # there the most active map is that of both clips
            numbers = [name for name, one in single.data_vars.items() if one.dtype.kind == "f"]
            for name in set(numbers) - {"g_phase"}:
                a, b = single[name].values, together[name].isel(clip=0).values
                np.testing.assert_allclose(b, a, rtol=1e-3, atol=1e-6 * np.abs(a).max())


def test_a_wave_at_another_rate_is_refused_and_the_message_says_how_to_load_it(scope: Scope, tone: Path) -> None:
    wave = load_audio(tone, sample_rate=16_000)
    for method in METHODS:
        with pytest.raises(InputError, match=r"tone.wav is sampled at 16000 Hz and cnn12 takes 8000 Hz: load it with"):
            heard(scope, wave, method)


def labelled(values: Any, dims: tuple[str, ...] = ("time",)) -> xr.DataArray:
    return xr.DataArray(np.asarray(values), dims=dims, attrs={"name": "mine"})


@pytest.mark.parametrize(
    ("wave", "message"),
    [
        (np.array([]), "no samples"),
        (np.full(4000, np.nan), "NaN"),
        (torch.tensor([0.0, float("inf")] * 2000), "NaN or infinite"),
        (np.zeros((2, 2, 4000)), r"\(time,\) or \(clip, time\)"),
        (np.zeros(4000, complex), "real numbers"),
        (labelled([np.nan] * 4000), "mine holds NaN"),
        (labelled(np.zeros((2, 4000)), ("channel", "time")), r"mine has dims \('channel', 'time'\)"),
        (labelled([]), "mine holds no samples"),
    ],
)
def test_waves_that_cannot_be_are_refused(scope: Scope, wave: Any, message: str) -> None:
    for method in METHODS:
        with pytest.raises(InputError, match=message):
            heard(scope, wave, method)


def test_too_short_a_clip_is_filled_up_to_what_the_model_takes(scope: Scope, tone: Path) -> None:
    inputs = scope.inputs(load_audio(tone)[:100])
    assert inputs.shape == (1, 1, 2370)
    np.testing.assert_array_equal(inputs[0, 0, :100], load_audio(tone)[:100])
    assert not inputs[0, 0, 100:].any()


@pytest.mark.parametrize("first", [4000, None])
def test_too_short_a_clip_is_refused_where_the_model_does_not_say_what_it_takes(first: int | None) -> None:
    scope = Scope(classifier(), 8000, name="mine")
    if first:
        scope.output(torch.ones(first))  # the layout is known from here on
    calls = [*(lambda w, m=m: heard(scope, w, m) for m in ("relevance", "sonify")), scope.output, scope.taps]
    for call in calls:
        with pytest.raises(
            InputError, match=r"mine does not take .* \(10 samples, 0.00125 s at 8000 Hz\): .* too short"
        ):
            call(torch.ones(10))


def test_a_model_that_states_its_length_is_not_told_to() -> None:
    model = nn.Sequential(nn.Conv1d(1, 2, 10), nn.Flatten(), nn.Linear(7, 2))
    model.input_length = 100  # type: ignore[assignment]
    with pytest.raises(InputError, match=r"does not take silence \(100 samples, 0.0125 s at 8000 Hz\)\. The model's"):
        Scope(model, 8000).taps()


def test_errors_inside_a_model_are_not_blamed_on_the_clip(clip: Tensor) -> None:
    scope = Scope(classifier(), 8000)

    def broken(grad: Tensor, activation: Any) -> Tensor:
        raise RuntimeError("a rule of my own")

    with pytest.raises(RuntimeError, match="a rule of my own"):
        scope.relevance(clip, rule=broken)


# -- Fixed lengths ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("padding", "expected"),
    [("repeat", [1, 2, 3, 1, 2, 3, 1]), ("zeros", [1, 2, 3, 0, 0, 0, 0]), (None, [1, 2, 3, 0, 0, 0, 0])],
)
def test_shorter_clips_are_filled_as_the_model_was_trained(padding: str | None, expected: list[float]) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(7, 2))
    model.input_length = 7
    if padding:
        model.padding = padding
    scope = Scope(model, 8000)
    assert scope.inputs(torch.tensor([1.0, 2, 3])).flatten().tolist() == expected
    assert scope.inputs(torch.arange(9.0)).flatten().tolist() == list(range(7))


def test_inc_tssdnet_hears_six_seconds_of_repetition() -> None:
    scope = Scope(load("inc-tssdnet"))
    wave = torch.arange(1000) / 1000
    inputs = scope.inputs(wave)
    assert inputs.shape == (1, 1, 96_000)
    assert torch.equal(inputs[0, 0], wave.repeat(96))


# -- Models -----------------------------------------------------------------------------------------------


def test_the_model_is_left_as_it_was(clip: Tensor) -> None:
    model = classifier()
    model.add_module("dropout", nn.Dropout())
    model.train()
    model.out.eval()
    model.conv.bias.requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    scope = Scope(model, 8000)
    for method in METHODS:
        heard(scope, clip, method)
    scope.geometry()
    scope.taps(clip)
    scope.output(clip)
    with pytest.raises(InputError):
        scope.sonify(clip, layer="nowhere")
    assert [m.training for m in (model, model.conv, model.out, model.dropout)] == [True, True, False, True]
    assert [p.requires_grad for p in model.parameters()] == [True, False, True, True]
    assert all(p.grad is None for p in model.parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_same_call_gives_the_same_numbers(scope: Scope, clip: Tensor) -> None:
    scope.model.train()  # dropout must not speak
    for method in METHODS:
        xr.testing.assert_identical(heard(scope, clip, method), heard(scope, clip, method))


def test_it_works_inside_no_grad(scope: Scope, clip: Tensor) -> None:
    outside = scope.relevance(clip, target=lambda y: y[:, 1])
    with torch.no_grad():
        xr.testing.assert_identical(scope.relevance(clip, target=lambda y: y[:, 1]).drop_attrs(), outside.drop_attrs())


def test_a_model_in_double_precision_is_fed_doubles(clip: Tensor) -> None:
    single, double = Scope(classifier(), 8000), Scope(classifier().double(), 8000)
    assert double.inputs(clip).dtype == torch.float64
    for method in METHODS:
        a, b = heard(single, clip, method), heard(double, clip, method)
        for name in ("relevance", "relevance_spectrogram") if method == "relevance" else (METHODS[method],):
            np.testing.assert_allclose(a[name].values, b[name].values, atol=1e-4 * np.abs(b[name].values).max())


def test_the_sample_rate_has_to_be_known() -> None:
    with pytest.raises(InputError, match="give sample_rate in Hz"):
        Scope(classifier())
    assert Scope(classifier(sample_rate=22_050)).sample_rate == 22_050
    assert Scope(classifier(sample_rate=22_050), 22_050).sample_rate == 22_050
    with pytest.raises(InputError, match=r"Small states that it takes 22050 Hz, and 8000 Hz is asked for: .*contract="):
        Scope(classifier(sample_rate=22_050), 8000)
    assert Scope(classifier(sample_rate=22_050), contract=Contract(sample_rate=8000)).sample_rate == 8000


def test_names_of_classes_come_from_the_model_or_the_user(clip: Tensor) -> None:
    names = ("a", "b", "c")
    for scope in (Scope(classifier(classes=names), 8000), Scope(classifier(), 8000, classes=list(names))):
        assert scope.relevance(clip, target="b").attrs["target"] == "b"
    with pytest.raises(InputError, match="2 class names were given and the model has 3 outputs"):
        Scope(classifier(), 8000, classes=["a", "b"]).relevance(clip)


def test_a_time_axis_the_user_knows_better_is_used() -> None:
    class Swapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 6, 20, stride=5)

        def forward(self, x: Tensor) -> Tensor:
            return F.relu(self.conv(x))

    wave = torch.from_numpy(np.random.default_rng(0).standard_normal(400).astype("f4"))
    scope = Scope(Swapped(), 8000, time_axes={"relu": 1})
    assert scope.taps(wave)["relu"].time_axis == 1
    assert scope.sonify(wave, layer="relu", channels="all").sizes["channel"] == 77  # what was time are the maps now
    assert Scope(Swapped(), 8000).sonify(wave, layer="relu", channels="all").sizes["channel"] == 6


# -- Provenance -------------------------------------------------------------------------------------------


def test_results_say_where_they_came_from(scope: Scope, tone: Path) -> None:
    wave = load_audio(tone)
    for method in METHODS:
        result = heard(scope, wave, method)
        attrs = result.attrs
        assert attrs["method"] == method
        assert attrs["source"]
        assert (attrs["model"], attrs["model_sha256"]) == ("cnn12", weights_digest(scope.model))
        assert (attrs["audio"], attrs["audio_sha256"]) == ("tone.wav", wave.attrs["sha256"])
        assert attrs["sample_rate"] == 8000
        assert attrs["otoscope_version"] == __version__
        assert isinstance(json.loads(attrs["arguments"]), dict)
        assert next(iter(result.data_vars)) == METHODS[method]
        assert all(one.attrs["long_name"] for one in result.data_vars.values())
    geometry = scope.geometry()
    assert geometry.attrs["model_sha256"] == weights_digest(scope.model)
    assert geometry.attrs["method"] == "geometry" and geometry.attrs["otoscope_version"] == __version__


def test_arguments_are_recorded_as_they_were_given(scope: Scope, clip: Tensor) -> None:
    def second(y: Tensor) -> Tensor:
        return y[:, 1]

    recorded = [
        (scope.strs(clip, n_fft=256, hop=20), {"n_fft": 256, "hop": 20, "alignment": "centre"}),
        (scope.relevance(clip, target=np.int64(2), rule="gradient"), {"target": 2, "rule": "gradient"}),
        (scope.relevance(clip, target=second), {"target": f"{__name__}.{second.__qualname__}"}),
        (
            scope.sonify(clip, layer="pool2", channels=(3, 1), peak=True),
            {"layer": "features.pool2", "channels": [3, 1], "peak": True},
        ),
    ]
    for result, expected in recorded:
        arguments = json.loads(result.attrs["arguments"])
        assert arguments | expected == arguments


def test_arrays_are_known_by_their_samples(scope: Scope, clip: Tensor) -> None:
    one, same, other = (scope.crs(wave).attrs["audio_sha256"] for wave in (clip, clip.numpy(), clip * 0.5))
    assert one == same != other


@pytest.mark.parametrize("way", ["in place", "loaded", "optimiser", "data", "buffer"])
def test_the_hash_of_the_model_changes_with_its_weights(way: str, clip: Tensor) -> None:
    model = nn.Sequential(nn.Conv1d(1, 4, 5), nn.BatchNorm1d(4), nn.ReLU())
    scope = Scope(model, 8000)
    before = scope.crs(clip).attrs["model_sha256"]
    assert scope.crs(clip).attrs["model_sha256"] == before
    if way == "in place":
        torch.nn.init.ones_(model[0].weight)
    elif way == "loaded":
        model.load_state_dict({name: value + 1 for name, value in model.state_dict().items()})
    elif way == "optimiser":
        model(clip[None, None]).sum().backward()
        torch.optim.SGD(model.parameters(), lr=0.1).step()
    elif way == "data":
        model[0].weight.data.mul_(2)
    else:
        model[1].running_mean.add_(1)
    after = scope.crs(clip).attrs["model_sha256"]
    assert after != before
    assert after == weights_digest(model)


# -- Hugging Face -----------------------------------------------------------------------------------------


@pytest.fixture
def wav2vec2() -> Any:
    transformers = pytest.importorskip("transformers")
    config = transformers.Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        conv_dim=(6, 6, 6),
        conv_stride=(5, 2, 2),
        conv_kernel=(10, 3, 2),
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
        num_labels=3,
        classifier_proj_size=8,
    )
    torch.manual_seed(0)
    return transformers, config


def test_a_wav2vec2_classifier_goes_through_every_method(wav2vec2: Any) -> None:
    transformers, config = wav2vec2
    scope = Scope(transformers.Wav2Vec2ForSequenceClassification(config).eval(), 16_000, name="tiny")
    wave = torch.from_numpy(np.random.default_rng(0).standard_normal(2000).astype("f4"))
    assert scope.inputs(wave).shape == (1, 1, 2000) and scope.contract.layout == "(batch, time)"
    first = scope.taps(wave).first_layer().taps[0]
    assert (first.kernel, first.stride, first.hop) == ((10,), (5,), 5.0)
    np.testing.assert_allclose(scope.crs(wave).crs, scope.strs(wave).strs.mean("time"), rtol=1e-4)
    result = scope.relevance(wave, target=1, rule="gradient")
    leaf = wave[None].clone().requires_grad_()
    (expected,) = torch.autograd.grad(scope.model(leaf).logits[0, 1], leaf)
    np.testing.assert_allclose(result.relevance, expected[0], atol=1e-5 * float(expected.abs().max()))
    layer = next(name for name, tap in scope.taps(wave).items() if tap.kind == "activation")
    sounds = scope.sonify(wave, layer=layer, channels=[0, 2]).sonification
    np.testing.assert_allclose(np.abs(sounds).max("time"), float(wave.abs().max()), rtol=1e-5)
    geometry = scope.geometry()
    assert {name.rpartition(".")[2] for name in geometry.layer.values} == {"conv"}
    assert geometry.sizes["layer"] == 4  # three that read the sound, one for positions
    assert geometry.dimension.values[-1] == 8 * 8 * 2  # taps x channels a group x groups


def test_the_frames_of_a_wav2vec2_encoder_are_found(wav2vec2: Any) -> None:
    transformers, config = wav2vec2
    with pytest.raises(InputError, match=r"last_hidden_state of shape .*, extract_features of shape"):
        Scope(transformers.Wav2Vec2Model(config), 16_000).output(torch.zeros(2000))
    scope = Scope(transformers.Wav2Vec2Model(config), 16_000, output="last_hidden_state")
    wave = torch.from_numpy(np.random.default_rng(0).standard_normal(2000).astype("f4"))
    assert (scope.contract.time_axis, scope.contract.class_axis) == (1, 2)
    result = scope.relevance(wave, target=5)
    assert "mean over all 99 frames" in result.attrs["score_note"]
    by_function = scope.relevance(wave, target=lambda states: states[:, :, 5].mean(1))
    np.testing.assert_allclose(result.relevance, by_function.relevance, rtol=1e-4, atol=1e-9)


# -- Recordings -------------------------------------------------------------------------------------------


def test_expected_logits_come_out_of_the_scope(data: Path, published: Path) -> None:
    expected = json.loads((data / "tssdnet/expected_logits.json").read_text())["logits"]
    scope = Scope(load("inc-tssdnet", weights=published))
    for name, logits in expected.items():
        samples = load_audio(data / name).values  # at 8 kHz, taken as they are
        assert scope.output(samples)[0].tolist() == pytest.approx(logits, abs=1e-4), name


@pytest.mark.parametrize("rate", [0, -5])
def test_an_impossible_sample_rate_is_refused(rate: int) -> None:
    with pytest.raises(InputError, match=f"a whole number of Hz, 1 or more, not {rate}"):
        Scope(load("vowel-name"), rate)


# -- What a scope holds -----------------------------------------------------------------------------------


def test_a_model_may_be_a_name_a_folder_or_a_module(cnn12: nn.Module, clip: Tensor, tmp_path: Path) -> None:
    assert (Scope("vowel-name").name, Scope("vowel-name").sample_rate) == ("vowel-name", 16_000)
    Contract.of(cnn12).changed(classes=list("abcd"), trained_length=5000, padding="repeat").attach(cnn12)
    save(cnn12, tmp_path / "folder")
    expected = Scope(cnn12)
    for model in (f"{tmp_path / 'folder'}/", tmp_path / "folder"):
        scope = Scope(model)
        assert (scope.digest, scope.classes) == (expected.digest, ("a", "b", "c", "d"))
        assert scope.contract == expected.contract
        assert torch.equal(scope.output(clip), expected.output(clip))
    with pytest.raises(InputError, match="did you mean vowel-name"):
        Scope("vowel-nam")


def test_copies_and_pickles_give_the_same_numbers_and_have_locks_of_their_own(clip: Tensor, tmp_path: Path) -> None:
    scope = Scope("vowel-name", time_axes={"relu1": 2})
    expected = scope.relevance(clip, rule="gradient")
    for other in (copy.deepcopy(scope), pickle.loads(pickle.dumps(scope))):  # noqa: S301
        xr.testing.assert_identical(other.relevance(clip, rule="gradient"), expected)
        assert other.model is not scope.model and other.lock is not scope.lock
        with torch.no_grad():
            other.model.head.bias.add_(1)
        assert other.digest != scope.digest
    assert copy.copy(scope).lock is scope.lock  # the model is the same


def test_threads_on_one_model_wait_for_each_other(clip: Tensor) -> None:
    """Also through two scopes: what a method hooks into the model would reach into what the other runs."""

    inside, seen = [], []  # of no model, whose state is put back

    class Slow(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = classifier()

        def forward(self, x: Tensor) -> Tensor:
            inside.append(1)
            seen.append(len(inside))
            time.sleep(0.005)
            inside.pop()
            return self.net(x)

    model = Slow()
    scopes = [Scope(model, 8000), Scope(model, 8000)]
    calls = [
        lambda scope: scope.relevance(clip, target=1),
        lambda scope: scope.sonify(clip, layer="relu"),
        lambda scope: scope.coherence([clip, -clip]),
        lambda scope: xr.Dataset({"output": ("class", scope.output(clip)[0])}),
        lambda scope: xr.Dataset({"hop": scope.taps(clip)["relu"].hop}),
    ]
    alone = [call(scopes[0]) for call in calls]
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(call, scope) for scope in scopes for call in calls]
        for job, expected in zip(jobs, alone * 2, strict=True):
            xr.testing.assert_identical(job.result(), expected)
    assert set(seen) == {1}


def test_a_misspelt_keyword_is_a_type_error_that_suggests_the_right_one(scope: Scope, clip: Tensor) -> None:
    with pytest.raises(TypeError, match=r"^strs\(\) got an unexpected keyword argument 'nfft'; did you mean 'n_fft'\?"):
        scope.strs(clip, nfft=256)
    suggests = r"\(\) got an unexpected keyword argument 'targt'; did you mean 'target'\?"
    for call, given in ((scope.explore, [clip]), (scope.inspect, [clip, "out"]), (scope.report, [clip, "out.html"])):
        with pytest.raises(TypeError, match=suggests):
            call(*given, targt="a")
    with pytest.raises(TypeError, match=r"^sonify\(\) missing a required argument: 'layer'"):
        scope.sonify(clip)
    with pytest.raises(TypeError, match=r"^relevance\(\) too many positional arguments"):
        scope.relevance(clip, "two")


@pytest.mark.parametrize(
    ("duration", "contract"),
    [
        (0.2, Contract(sample_rate=8000)),
        (0.2, Contract(sample_rate=8000, trained_length=6400, padding="repeat")),
        (0.2, Contract(sample_rate=8000, length=4000, normalisation="peak")),
        (0.9, Contract(sample_rate=8000, length=4000)),
        (61.0, Contract(sample_rate=8000)),
        (61.0, Contract(sample_rate=8000, trained_length=70 * 8000)),
        (61.0, Contract(sample_rate=8000, normalisation="standard")),
    ],
)
def test_the_crs_of_a_file_is_that_of_its_samples(tmp_path: Path, duration: float, contract: Contract) -> None:
    """Of short files, of those that are filled up or cut, and of long ones, which are read block by block."""
    rate = 11_025  # which is not that of the model
    noise = 0.1 * np.random.default_rng(0).standard_normal(round(duration * rate))
    soundfile.write(tmp_path / "noise.wav", noise, rate, subtype="FLOAT")
    scope = Scope(classifier().double(), contract=contract)
    from_file = scope.crs(tmp_path / "noise.wav")
    from_wave = scope.crs(load_audio(tmp_path / "noise.wav", sample_rate=8000))
    largest = float(from_wave.crs.max())
    np.testing.assert_allclose(from_file.crs, from_wave.crs, rtol=1e-4, atol=1e-6 * largest)
    assert from_file.attrs == from_wave.attrs
    assert from_file.attrs["audio"] == "noise.wav"


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"zzz": 1}, "no tap is named 'zzz'; near it are: body.conv"),
        ({"relu": 7}, "time_axes: relu has the axes 0 to 2, not 7"),
        ({"relu": "x"}, "time_axes: relu has the axes 0 to 2, not 'x'"),
    ],
)
def test_a_time_axis_of_no_tap_is_refused(axes: dict[str, Any], message: str) -> None:
    model = nn.Sequential(OrderedDict(body=nn.Sequential(OrderedDict(conv=nn.Conv1d(1, 6, 20), relu=nn.ReLU()))))
    for work in (Scope.taps, Scope.geometry):
        with pytest.raises(InputError, match=message):
            work(Scope(model, 8000, time_axes=axes))
    named = Scope(model, 8000, time_axes={"relu": 1})
    assert named.time_axes == {"body.relu": 1} and named.taps()["relu"].time_axis == 1


@pytest.mark.parametrize("output", [5, -1, "nope"])
def test_an_output_that_the_model_has_not_is_refused(output: int | str) -> None:
    for model in (classifier(), classifier(classes=("a", "b", "c"))):
        with pytest.raises(InputError, match=f"the model returns one tensor, and so has no output {output!r}"):
            Scope(model, 8000, output=output).geometry()
        assert json.loads(Scope(model, 8000, output=0).geometry().attrs["subject"])["output"] == 0


@pytest.mark.parametrize("output", [2, -3, "logits"])
def test_one_of_several_outputs_has_to_be_there(output: int | str) -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x.mean(-1), x.amax(-1)

    assert torch.equal(Scope(Two(), 8000, output=-1).output(torch.arange(9.0)), torch.full((1, 1), 8.0))
    with pytest.raises(InputError, match=f"no output {output!r} that is a tensor; its outputs are 0 of"):
        Scope(Two(), 8000, output=output).output(torch.arange(9.0))
