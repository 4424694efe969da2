"""What a model takes and does is found by running it: layouts, batches, randomness, and why it takes no sound."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from otoscope import InputError, Scope
from otoscope.contract import Contract

RATE = 8000


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def wave() -> Tensor:
    return torch.from_numpy(0.1 * np.random.default_rng(0).standard_normal(3000).astype("f4"))


class Base(nn.Module):
    """A convolution, a mean over time and four classes."""

    sample_rate = RATE

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.out = nn.Conv1d(1, 8, 32, 8), nn.Linear(8, 4)

    def scores(self, x: Tensor) -> Tensor:
        """Of (batch, 1, time)."""
        return self.out(F.relu(self.conv(x)).mean(-1))


# -- Layouts ----------------------------------------------------------------------------------------------


class Levelled(Base):
    """(batch, time), whose mean over axis 1 takes all of (batch, 1, time) away."""

    def forward(self, x: Tensor) -> Tensor:
        x = x - x.mean(1, keepdim=True)
        x = x / (x.abs().amax(1, keepdim=True) + 1e-5)
        return self.scores(x.view(len(x), 1, -1))


class LevelledTogether(Base):
    """As that, at the level of all clips together, so that only where nothing is left clips do not meet."""

    def forward(self, x: Tensor) -> Tensor:
        x = x - x.mean(1, keepdim=True)
        return self.scores((x / (x.std() + 1e-5)).view(len(x), 1, -1))


class Perceptron(nn.Module):
    """(batch, time) of one length."""

    sample_rate = RATE

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(3000, 16), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.b(F.relu(self.a(x)))


class Unbatched(Base):
    """(batch, time), or (batch, 1, time) with the batch lost where it has a single clip."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.scores(x[:, None] if x.ndim == 2 else x)
        return y if x.ndim == 2 else y.squeeze(0)


class Strict(Base):
    """(batch, time), with an error of TorchScript for anything else."""

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 2:
            raise torch.jit.Error("too many dimensions")
        return self.scores(x[:, None])


class Recurrent(nn.Module):
    """(batch, time, 1)."""

    sample_rate = RATE

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.out = nn.GRU(1, 6, batch_first=True), nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.rnn(x)[0][:, -1])


class Lone(Base):
    """(time,)."""

    def forward(self, x: Tensor) -> Tensor:
        (n,) = x.shape
        return self.scores(x.view(1, 1, n))[0]


class Squeezed(Base):
    """(batch, 1, time), whose answer to one clip has no axis of clips."""

    def forward(self, x: Tensor) -> Tensor:
        assert x.ndim == 3
        return self.scores(x).squeeze()


class Stereo(nn.Module):
    """(batch, 2, time)."""

    sample_rate = RATE

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.out = nn.Conv1d(2, 8, 32, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(F.relu(self.conv(x)).mean(-1))


class Certain(Base):
    """(batch, 1, time), so sure that its answer to any noise is 1; (1, time) is a clip without an axis of clips."""

    def frames(self, x: Tensor) -> Tensor:
        return self.out(F.relu(self.conv(x)).mT)

    def forward(self, x: Tensor) -> Tensor:
        return 1 - (1 - self.frames(x).sigmoid()).prod(1)


class Pooled(Certain):
    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(60 * self.frames(x) + 50).amax(1)


class Dead(Certain):
    def forward(self, x: Tensor) -> Tensor:
        return self.out(F.relu(self.conv(x) - 50).mT).mean(1)


@pytest.mark.parametrize("kind", [Certain, Pooled, Dead])
def test_an_answer_that_no_noise_moves_keeps_its_axes(kind: type[nn.Module], wave: Tensor) -> None:
    model = kind().eval()
    scope = Scope(model)
    torch.testing.assert_close(scope.output(wave), model(wave[None, None]).detach())
    assert scope.contract.layout == "(batch, 1, time)" and scope.contract.clip_axis == "kept"
    assert scope.output(torch.stack([wave, 2 * wave])).shape == (2, 4)


def expected(model: Any, wave: Tensor) -> Tensor:
    """The answer (4,) to one sound, as the author of the model calls it."""
    shape = {Recurrent: (1, -1, 1), Lone: (-1,), Squeezed: (1, 1, -1)}.get(type(model), (1, -1))
    with torch.no_grad():
        answer: Tensor = model(wave.reshape(shape)).reshape(4)
    return answer


@pytest.mark.parametrize(
    ("kind", "layout"),
    [
        (Levelled, "(batch, time)"),
        (LevelledTogether, "(batch, time)"),
        (Perceptron, "(batch, time)"),
        (Unbatched, "(batch, time)"),
        (Strict, "(batch, time)"),
        (Recurrent, "(batch, time, 1)"),
        (Lone, "(time,)"),
        (Squeezed, "(batch, 1, time)"),
    ],
)
def test_the_layout_is_that_whose_answer_keeps_the_batch_and_hears_the_sound(
    kind: type[nn.Module], layout: str, wave: Tensor
) -> None:
    model = kind().eval()
    scope = Scope(model)
    torch.testing.assert_close(scope.output(wave)[0], expected(model, wave))
    assert scope.contract.layout == layout and scope.output(wave).shape == (1, 4)
    two = torch.stack([wave, wave.flip(0)])
    torch.testing.assert_close(scope.output(two), torch.stack([expected(model, one) for one in two]))
    leaf = wave.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(as_called(model, leaf)[1], leaf)
    found = scope.relevance(wave, target=1, rule="gradient")
    np.testing.assert_allclose(found.relevance, gradient, atol=1e-5 * float(gradient.abs().max()))
    assert float(found.logit) == pytest.approx(float(expected(model, wave)[1]), rel=1e-5)
    both = scope.relevance(two, target=1, rule="gradient")
    np.testing.assert_allclose(both.relevance[0], gradient, atol=1e-5 * float(gradient.abs().max()))


def as_called(model: Any, wave: Tensor) -> Tensor:
    shape = {Recurrent: (1, -1, 1), Lone: (-1,), Squeezed: (1, 1, -1)}.get(type(model), (1, -1))
    answer: Tensor = model(wave.reshape(shape)).reshape(4)
    return answer


def test_a_model_of_several_channels_gets_the_sound_in_each(wave: Tensor) -> None:
    model = Stereo().eval()
    scope, leaf = Scope(model), wave.clone().requires_grad_()
    answer = model(leaf.expand(1, 2, -1))
    torch.testing.assert_close(scope.output(wave), answer.detach())
    assert (scope.contract.layout, scope.contract.channels) == ("(batch, channel, time)", 2)
    (gradient,) = torch.autograd.grad(answer[0, 1], leaf)
    found = scope.relevance(wave, target=1, rule="gradient")
    np.testing.assert_allclose(found.relevance, gradient, atol=1e-5 * float(gradient.abs().max()))
    assert "given to each of the 2 channels" in found.attrs["note"]
    assert scope.taps(wave)["conv"].hop == 8


class Either(Base):
    """Takes both usual layouts, and means something else by each."""

    def forward(self, x: Tensor) -> Tensor:
        return self.scores(x[:, None] if x.ndim == 2 else 2 * x)


def test_of_two_layouts_that_fit_and_differ_it_is_asked(wave: Tensor) -> None:
    model = Either().eval()
    with pytest.raises(InputError, match=r"takes \(batch, 1, time\) and \(batch, time\), and answers differently.*--l"):
        Scope(model).output(wave)
    for layout, x in (("(batch, time)", wave[None]), ("batch, 1, time", wave[None, None])):
        scope = Scope(model, layout=layout)  # type: ignore[arg-type]
        torch.testing.assert_close(scope.output(wave), model(x).detach())
        assert scope.contract.layout == f"({layout.strip('()')})"
    model.layout = "(batch, time)"  # type: ignore[assignment]
    assert Scope(model).contract.layout == "(batch, time)"


class Unbatched(nn.Module):
    """Its convolution reads (1, time) as one clip without a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.scores = nn.Conv1d(1, 4, 32, 8), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.scores(F.relu(self.conv(x)).mean(-1))  # type: ignore[no-any-return]


def test_a_stated_layout_that_loses_the_clips_is_refused_where_another_keeps_them(wave: Tensor) -> None:
    with pytest.raises(InputError, match=r"to take \(batch, time\).*give layout=\"\(batch, 1, time\)\" \(--layout"):
        Scope(Unbatched(), 8000, layout="(batch, time)").output(wave)
    assert Scope(Unbatched(), 8000, layout="(batch, 1, time)").output(wave).shape == (1, 3)

    class Squeezed(Unbatched):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x[:, None]).squeeze(0)

    assert Scope(Squeezed(), 8000, layout="(batch, time)").output(wave).shape == (1, 3)


def test_a_layout_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="layout has to be"):
        Scope(Either(), layout="(time, batch)")  # type: ignore[arg-type]


# -- Clips of a batch -------------------------------------------------------------------------------------


class Joint(Base):
    """Normalises over the whole batch, as speech toolkits do."""

    def forward(self, x: Tensor) -> Tensor:
        return self.scores(F.layer_norm(x, x.shape))


class BatchStatistics(Base):
    """Batch normalisation without running statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(8, track_running_stats=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(F.relu(self.norm(self.conv(x))).mean(-1))


class Single(Base):
    """A batch of one only."""

    def forward(self, x: Tensor) -> Tensor:
        if len(x) != 1:
            raise ValueError("one at a time")
        return self.scores(x)


@pytest.mark.parametrize(("kind", "clips"), [(Joint, "meet"), (BatchStatistics, "meet"), (Single, "alone")])
def test_clips_that_would_meet_go_one_by_one(kind: type[nn.Module], clips: str, wave: Tensor) -> None:
    scope = Scope(kind().eval())
    loud = 50 * wave.flip(0)
    two = torch.stack([wave, loud])
    alone = [scope.relevance(one, target=1) for one in (wave, loud)]
    both = scope.relevance(two, target=1)
    assert scope.contract.clips == clips
    for n, one in enumerate(alone):
        for name in ("logit", "relevance", "relevance_spectrogram"):
            np.testing.assert_array_equal(both[name][n], one[name])
    torch.testing.assert_close(scope.output(two), torch.cat([scope.output(wave), scope.output(loud)]))
    own = scope.relevance(two)  # each its likeliest class
    assert own.attrs["target"] == ", ".join(scope.relevance(one).attrs["target"] for one in two)
    top = scope.top_activations([wave, loud], layer="relu", k=2)
    first = scope.top_activations([wave], layer="relu", k=1)
    for channel in range(8):
        rank = top.clip_index.values[channel].tolist().index(0)
        assert top.activation.values[channel, rank] == first.activation.values[channel, 0]


@pytest.mark.parametrize("kind", [Joint, Single])
def test_every_way_to_run_several_versions_of_a_clip_keeps_them_apart(kind: type[nn.Module], wave: Tensor) -> None:
    pytest.importorskip("captum")
    model, plain = kind().eval(), Base().eval()
    plain.load_state_dict(model.state_dict())
    plain.forward = (lambda x: plain.scores(F.layer_norm(x, x.shape[1:]))) if kind is Joint else plain.scores
    one, other = Scope(model), Scope(plain)
    for rule in ("integrated_gradients", "smoothgrad", "occlusion"):
        a, b = (scope.relevance(wave, target=1, rule=rule).relevance for scope in (one, other))
        np.testing.assert_allclose(a, b, atol=1e-4 * float(abs(b).max()))
    a, b = (scope.tone_response(layer="relu", duration=0.1, frequencies=[500.0, 1000.0]).gain for scope in (one, other))
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_maps_of_clips_that_go_one_by_one_have_to_be_named(wave: Tensor) -> None:
    model = Joint().eval()
    with torch.no_grad():  # one map for what is low, another for what is high
        time = torch.arange(32.0)
        model.conv.weight.copy_(torch.stack([0 * time] * 6 + [time.mul(0.05).cos(), time.mul(3).cos()])[:, None])
    scope, time = Scope(model), torch.arange(3000.0)
    two = torch.stack([time.mul(0.05).cos(), time.mul(3).cos()])
    assert scope.sonify(two, layer="relu", channels=[1, 2]).sizes["clip"] == 2
    with pytest.raises(InputError, match="one by one, and their results have different axes"):
        scope.sonify(two, layer="relu", n_maps=1)


def test_a_model_that_takes_no_single_clip_is_refused(wave: Tensor) -> None:
    class Head(BatchStatistics):
        def forward(self, x: Tensor) -> Tensor:
            return self.out(self.norm(F.relu(self.conv(x)).mean(-1)))

    for call in (lambda s: s.output(wave), lambda s: s.relevance(torch.stack([wave, wave]))):
        with pytest.raises(InputError, match=r"Head takes no single clip.*running statistics"):
            call(Scope(Head().eval()))


def test_a_network_refuses_clips_that_would_meet(wave: Tensor) -> None:
    scope = Scope(Joint().eval())
    inputs = scope.inputs(torch.stack([wave, wave]))
    with pytest.raises(InputError, match="the clips of Joint meet in a batch"):
        scope.network(inputs)
    assert [len(one) for one in scope.network.parts(inputs)] == [1, 1]


# -- Two equal calls --------------------------------------------------------------------------------------


class Dither(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.scores(x + 0.01 * torch.randn_like(x))


class Numpy(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.scores(x) * float(np.random.rand())  # noqa: NPY002


class Own(Base):
    """Draws from a generator of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = np.random.default_rng(0)

    def forward(self, x: Tensor) -> Tensor:
        return self.scores(x * float(self.generator.random()))


class Counting(Base):
    """Keeps what it heard before."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("memory", torch.zeros(1, 8))

    def forward(self, x: Tensor) -> Tensor:
        self.memory = self.memory * 0.5 + F.relu(self.conv(x)).mean(-1).detach()
        return self.out(self.memory)


CALLS = [0]


class Global(Base):
    """Counts its calls in a global, which nothing can put back."""

    def forward(self, x: Tensor) -> Tensor:
        CALLS[0] += 1
        return self.scores(x * CALLS[0])


class Unused(Base):
    """Draws numbers that change nothing."""

    def forward(self, x: Tensor) -> Tensor:
        return self.scores(x + 0 * torch.rand(1))


@pytest.mark.parametrize(
    ("kind", "calls"),
    [
        (Dither, "random"),
        (Numpy, "random"),
        (Own, "random"),
        (Counting, "state"),
        (Global, "outside"),
        (Unused, "equal"),
    ],
)
def test_whether_two_equal_calls_answer_the_same_is_found(kind: type[nn.Module], calls: str) -> None:
    model = kind().eval()
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    scope = Scope(model)
    scope.inputs(torch.ones(RATE))
    after = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    assert torch.equal(after[0], before[0]) and after[1] == before[1]
    assert scope.contract.calls == calls


def test_results_say_that_state_outside_of_modules_is_not_put_back(wave: Tensor) -> None:
    assert "outside of its modules" in Scope(Global().eval()).strs(wave).attrs["note"]


def test_results_say_that_a_model_keeps_state(wave: Tensor) -> None:
    class Streaming(Counting):
        def forward(self, x: Tensor) -> Tensor:
            self.memory = self.memory * 0.5 + F.relu(self.conv(x)).mean(-1)
            return self.out(self.memory)

    scope = Scope(Streaming().eval())
    found = [scope.relevance(wave, target=1, rule="gradient") for _ in range(2)]
    assert all("keeps state from one call to the next" in one.attrs["note"] for one in found)
    assert found[0].logit.item() == found[1].logit.item()


def test_what_was_found_is_kept_and_not_tried_again() -> None:
    model = Levelled().eval()
    calls: list[int] = []
    model.register_forward_pre_hook(lambda *_: calls.append(1))
    first = Scope(model).contract
    tried = len(calls)
    assert Scope(model, classes=list("abcd")).contract.layout == first.layout
    assert len(calls) < 2 * tried
    stated = Contract.read(first.filled())
    calls.clear()
    assert Scope(Levelled().eval(), contract=stated).contract == stated


# -- Further arguments, and what takes no sound -----------------------------------------------------------


class Settled(Base):
    """Normalises over its batch and draws noise, as far as it is told to."""

    joint, noise = False, 0.0

    def forward(self, x: Tensor) -> Tensor:
        if self.joint:
            x = x / x.std()
        return self.scores(x + self.noise * torch.randn_like(x) if self.noise else x)


def test_what_was_found_is_found_anew_when_the_model_changes(wave: Tensor) -> None:
    model = Settled()
    nn.init.zeros_(model.out.weight)
    model.joint, model.noise = True, 0.1
    subject = Scope(model)
    assert (subject.contract.clips, subject.contract.calls) == ("apart", "equal"), "it answers the same to everything"
    nn.init.normal_(model.out.weight.data)
    for one in (subject, Scope(model)):
        one.inputs(wave)
        assert (one.contract.clips, one.contract.calls) == ("meet", "random")
    model.joint, model.noise = False, 0.0
    subject.inputs(wave)
    assert (subject.contract.clips, subject.contract.calls) == ("apart", "equal")


class Masked(Base):
    """Takes how long each clip is, and a gain."""

    def forward(self, x: Tensor, lengths: Tensor, gain: float = 1.0) -> Tensor:
        assert lengths.shape == (len(x),)
        kept = torch.arange(x.shape[-1]) < lengths[:, None, None]
        return gain * self.scores(x * kept)


def test_further_arguments_are_given_once_and_used_everywhere(wave: Tensor) -> None:
    model = Masked().eval()
    full = lambda x: torch.full((len(x),), x.shape[-1])  # noqa: E731
    for lengths, kept in ((full, 3000), (torch.tensor([1000]), 1000)):
        scope = Scope(model, model_inputs={"lengths": lengths, "gain": 2.0})
        two = torch.stack([wave, wave.flip(0)])
        answer = model(two[:, None], torch.full((2,), kept), 2.0).detach()
        torch.testing.assert_close(scope.output(two), answer)
        found = scope.relevance(two, target=1, rule="gradient")
        np.testing.assert_allclose(found.logit, answer[:, 1], rtol=1e-5)
        assert not found.relevance.values[:, kept:].any()
        assert scope.taps(wave)["conv"].channels == 8
    assert '"gain": 2.0' in found.attrs["subject"] and '"lengths": [1000]' in found.attrs["subject"]


def test_an_argument_that_lacks_is_named(wave: Tensor) -> None:
    said = r"needs lengths beside the sound 'x': give it once, in Python as Scope\(model, model_inputs=.*file\.py:Class"
    with pytest.raises(InputError, match=said):
        Scope(Masked()).output(wave)
    with pytest.raises(InputError, match="no argument 'length'; its arguments are x, lengths, gain"):
        Scope(Masked(), model_inputs={"lengths": 1, "length": 2}).output(wave)


class OfBatch(Base):
    """Takes what a data loader gives."""

    def forward(self, batch: Any) -> Tensor:
        return self.scores(batch["waveform"][:, None])


class OfSeveral(Base):
    def forward(self, batch: Any) -> Tensor:
        lengths, x = batch["lengths"], batch.get("audio")
        return self.scores(x[:, None, :lengths])


class OfPair(Base):
    def forward(self, batch: Any) -> Tensor:
        x, _ = batch
        return self.scores(x[:, None])


@pytest.mark.parametrize(
    ("kind", "asks", "given"),
    [
        (OfBatch, "asks what it is given for 'waveform': it takes a mapping", '{"waveform": waveform}'),
        (OfSeveral, "for 'lengths' and 'audio': it takes a mapping", '{"lengths": ..., "audio": waveform}'),
        (OfPair, "takes what it is given apart into 2: it takes a tuple", "(waveform, ...)"),
    ],
)
@pytest.mark.parametrize("layout", [None, "(batch, time)"])
@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")
def test_a_model_that_takes_a_batch_is_told_how_to_wrap_it(
    kind: type[nn.Module], asks: str, given: str, layout: Any, wave: Tensor
) -> None:
    for ask in (lambda scope: scope.output(wave), lambda scope: scope.taps()):
        with pytest.raises(InputError) as error:
            ask(Scope(kind().eval(), layout=layout))
        said, _, module = str(error.value).partition("give that:\n")
        assert asks in said and "(1, " in said
        assert module.endswith(f"return self.model({given})") and module.count("\n") == 2
    if given == '{"waveform": waveform}':
        names: dict[str, Any] = {"torch": torch}
        exec(module, names)  # noqa: S102
        model = kind().eval()
        wrapped = Scope(names["Wrapped"](model), model.sample_rate)
        torch.testing.assert_close(wrapped.output(wave), model({"waveform": wave[None]}).detach())


class Spectral(nn.Module):
    """Reads 80 mel bands."""

    sample_rate = 16_000

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(80, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class Features(Base):
    def forward(self, mel: Tensor) -> Tensor:
        if mel.shape[1] != 64:
            raise ValueError("64 bands, please")
        return mel


@pytest.mark.parametrize(
    ("model", "reason"),
    [(Spectral(), "its first layer reads 80 channels: it takes spectrograms"), (Features(), "'mel': spectrograms")],
)
def test_a_model_on_spectrograms_is_told_so(model: nn.Module, reason: str, wave: Tensor) -> None:
    with pytest.raises(InputError, match=f"cannot be given a sound, since .*{reason}.*, not waveforms. Wrap it"):
        Scope(model).output(wave)


def test_transformers_on_spectrograms_are_told_so(wave: Tensor) -> None:
    transformers = pytest.importorskip("transformers")
    whisper = transformers.WhisperConfig(
        d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=16, decoder_ffn_dim=16, num_mel_bins=8, max_source_positions=50, vocab_size=20,
        pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
    )  # fmt: skip
    ast = transformers.ASTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, max_length=32, num_mel_bins=16
    )
    models = (transformers.WhisperForAudioClassification(whisper), transformers.ASTForAudioClassification(ast))
    for model in models:
        with pytest.raises(InputError, match="takes spectrograms, not waveforms"):
            Scope(model.eval(), 16_000).output(wave)


def test_other_errors_of_a_model_are_quoted_with_their_kind(wave: Tensor) -> None:
    class Broken(Base):
        def forward(self, x: Tensor) -> Tensor:
            return self.scores(self.window * x)

    with pytest.raises(InputError, match="AttributeError: 'Broken' object has no attribute 'window'"):
        Scope(Broken()).output(wave)


@pytest.mark.parametrize("seen", ["real", "imaginary", "conjugate", "parameter"])
def test_kernels_that_are_seen_through_a_complex_tensor_are_kernels(seen: str, wave: Tensor) -> None:
    """As constant-Q and Fourier front ends keep theirs: a view of another type than its base."""
    kernels = torch.randn(8, 1, 32, dtype=torch.cfloat)

    class Bank(Base):
        def __init__(self) -> None:
            super().__init__()
            if seen == "parameter":
                self.kernels = nn.Parameter(kernels.real)
            else:
                views = {"real": kernels.real, "imaginary": kernels.conj().imag, "conjugate": kernels.conj()}
                self.register_buffer("kernels", views[seen])

        def forward(self, x: Tensor) -> Tensor:
            weight = self.kernels.real if seen == "conjugate" else self.kernels
            return self.out(F.relu(F.conv1d(x, weight, stride=8)).mean(-1))

    model = Bank().eval()
    result = Scope(model).relevance(wave, target=1, rule="gradient")
    x = wave[None, None].clone().requires_grad_()
    (expected,) = torch.autograd.grad(model(x)[0, 1], x)
    np.testing.assert_allclose(result.relevance, expected[0, 0], atol=1e-6 * float(expected.abs().max()))


def test_what_was_found_out_holds_for_the_further_arguments_it_was_found_with(wave: Tensor) -> None:
    class Normalised(Base):
        def forward(self, x: Tensor, over: str = "time") -> Tensor:
            spread = x.std() if over == "batch" else x.std(-1, keepdim=True)
            return self.scores(x / spread)

    model = Normalised().eval()
    assert Scope(model, model_inputs={"over": "time"}).contract.clips == "apart"
    assert Scope(model, model_inputs={"over": "batch"}).contract.clips == "meet"
