"""The way back from a tap: seeds, batches, endings in softmax, and what is refused."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from probe_zoo import ZOO, Written, build
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.probe import RULES, backproject, trace, vjp


def net() -> nn.Module:
    torch.manual_seed(2)
    return nn.Sequential(
        nn.Conv1d(1, 6, 9, stride=2),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Conv1d(6, 5, 5),
        nn.GELU(),
        nn.Conv1d(5, 4, 3),
        nn.ReLU(inplace=True),
    ).double()


def clip(batch: int = 2, samples: int = 100) -> Tensor:
    return torch.randn(batch, 1, samples, dtype=torch.float64)


# -- Seeds ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ZOO)
def test_the_gradient_is_that_of_a_finite_difference(name):
    model, x = build(name)
    tap = list(trace(model, x, 1.0))[-1]
    value, pull = vjp(model, x, tap)
    seed, direction = torch.randn_like(value), torch.randn_like(x)
    step = 1e-6
    above, below = (vjp(model, x + sign * step * direction, tap)[0] for sign in (1, -1))
    slope = ((above - below) / (2 * step) * seed).sum()
    torch.testing.assert_close((pull(seed) * direction).sum(), slope, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("rule", RULES)
def test_a_batch_is_its_clips_one_by_one(rule):
    model, x = net(), clip(3)
    value, pull = vjp(model, x, rule=rule)
    seed = torch.randn_like(value)
    for i, signal in enumerate(pull(seed)):
        alone = backproject(model, x[i : i + 1], seed[i : i + 1], rule=rule)
        torch.testing.assert_close(alone[0], signal)


@pytest.mark.filterwarnings("ignore:There is a performance drop")  # attention on the CPU loops over seeds
@pytest.mark.parametrize(
    ("name", "memory"),
    [
        *(("plain", memory) for memory in (None, 1, 50_000)),
        ("residual", None),
        ("dilated", 100_000),
        ("recurrent", None),
        ("two_dimensional", None),
        ("transformer", None),
        ("wav2vec2_group", None),
    ],
)
@pytest.mark.parametrize("rule", RULES)
def test_many_seeds_at_once_are_one_after_another(name, memory, rule):
    model, x = build(name)
    tap = list(trace(model, x, 1.0))[-1]
    value, pull = vjp(model, x, tap, rule, **({} if memory is None else {"memory": memory}))
    seeds = torch.randn(4, *value.shape, dtype=torch.float64)
    together = pull(seeds)
    assert together.shape == (4, *x.shape)
    torch.testing.assert_close(together, torch.stack([pull(seed) for seed in seeds]))
    if memory == 1:
        assert pull.seeds_at_once == 1


def test_no_seeds_give_no_signals():
    value, pull = vjp(net(), clip())
    assert pull(value.new_zeros(0, *value.shape)).shape == (0, 2, 1, 100)


def test_a_rule_that_only_knows_one_seed_at_a_time():
    """Control flow on values has no batched form: seeds are then carried one by one."""

    def loudest(grad: Tensor, activation) -> Tensor:
        return grad if float(grad.abs().max()) > 0 else grad * 0

    value, pull = vjp(net(), clip(), rule=loudest)
    seeds = torch.randn(3, *value.shape, dtype=torch.float64)
    torch.testing.assert_close(pull(seeds), torch.stack([pull(seed) for seed in seeds]))


def test_a_seed_may_be_a_function_of_the_value():
    model, x = net(), clip()
    value, pull = vjp(model, x, "3", "deconvnet")
    assert torch.equal(backproject(model, x, lambda v: v * (v > 0), "3", "deconvnet"), pull(value.clamp(min=0)))


def test_a_seed_of_another_shape_is_refused():
    value, pull = vjp(net(), clip())
    with pytest.raises(InputError, match=r"a seed has to have the shape \(2, 4, \d+\)"):
        pull(value[:, :2])


def test_seeds_take_the_precision_of_the_model():
    value, pull = vjp(net().float(), clip().float())
    assert value.dtype == pull(torch.ones_like(value, dtype=torch.float64)).dtype == torch.float32
    value, pull = vjp(net(), clip())
    assert value.dtype == pull(torch.ones_like(value, dtype=torch.float32)).dtype == torch.float64


@settings(max_examples=15, deadline=None)
@given(a=st.floats(-3, 3), b=st.floats(-3, 3), tap=st.sampled_from([None, "0", "1", "2", "3", "4", "5"]))
def test_the_gradient_is_linear_in_the_seed(a, b, tap):
    value, pull = vjp(net(), clip(), tap)
    one, other = torch.randn_like(value), torch.randn_like(value)
    torch.testing.assert_close(pull(a * one + b * other), a * pull(one) + b * pull(other))


@settings(max_examples=15, deadline=None)
@given(factor=st.floats(0, 5), rule=st.sampled_from(sorted(RULES)))
def test_every_rule_keeps_a_positive_factor(factor, rule):
    value, pull = vjp(net(), clip(), rule=rule)
    seed = torch.randn_like(value)
    torch.testing.assert_close(pull(factor * seed), factor * pull(seed))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("steps", [1, 5])
def test_a_sound_moved_by_whole_hops_moves_its_sonification(rule, steps):
    model = net()
    tap = trace(model, clip(1, 400), 1.0)["6"]
    shift, margin = int(tap.hop) * steps, tap.receptive_field
    x = clip(1, 400)
    moved = F.pad(x, (shift, 0))[..., :400]
    one, other = (backproject(model, wave, lambda maps: maps, rule=rule)[0, 0] for wave in (x, moved))
    inside = slice(2 * margin, 400 - 2 * margin - shift)
    assert one[inside].abs().max() > 0
    torch.testing.assert_close(other[inside.start + shift : inside.stop + shift], one[inside])


# -- Where it starts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ending",
    [
        nn.Softmax(dim=-1),
        nn.LogSoftmax(dim=-1),
        lambda z: F.softmax(z, dim=-1),
        lambda z: F.log_softmax(z, dim=1),
        lambda z: torch.softmax(z, dim=-1),
        lambda z: z.softmax(-1),
        lambda z: z.log_softmax(dim=-1),
        lambda z: torch.softmax(input=z, dim=-1),
    ],
)
def test_the_output_is_the_logit_before_a_last_softmax(ending):
    body = nn.Sequential(nn.Conv1d(1, 4, 9), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 92, 3)).double()
    model, x = Written(lambda m, x: ending(m.body(x)), body=body), clip()
    value, pull = vjp(model, x)
    assert torch.equal(value, body(x))
    seed = torch.eye(3, dtype=torch.float64)[1].expand(2, 3)
    assert torch.equal(pull(seed), backproject(body, x, seed))


def test_a_softmax_inside_is_kept():
    model = Written(lambda m, x: m.conv(x) * F.softmax(m.conv(x), dim=-1), conv=nn.Conv1d(1, 3, 9).double())
    x = clip()
    value, _ = vjp(model, x)
    assert torch.equal(value, model(x))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda y: (y, None),
        lambda y: [y.argmax(-1), y],
        lambda y: {"hidden": y * 2, "logits": y},
        lambda y: {"only": y},
        lambda y: torch.return_types.max((y, y.argmax(-1))),
    ],
)
def test_outputs_that_are_not_one_tensor(wrap):
    model = Written(lambda m, x: wrap(m.conv(x)), conv=nn.Conv1d(1, 3, 9).double())
    x = clip()
    assert torch.equal(vjp(model, x)[0], model.conv(x))


def test_an_output_without_a_tensor_is_refused():
    model = Written(lambda m, x: str(m.conv(x).shape), conv=nn.Conv1d(1, 3, 9).double())
    with pytest.raises(InputError, match="returns str, in which no tensor of floating-point numbers"):
        vjp(model, clip())


def test_the_model_runs_no_further_than_the_tap():
    def never(x: Tensor) -> Tensor:
        raise RuntimeError("was run")

    model = Written(lambda m, x: never(m.b(F.relu(m.a(x)))), a=nn.Conv1d(1, 4, 9), b=nn.Conv1d(4, 3, 5)).double()
    x = clip()
    assert vjp(model, x, "b")[0].shape == (2, 3, 88)
    assert vjp(model, x, "relu")[0].shape == (2, 4, 92)
    with pytest.raises(RuntimeError, match="was run"):
        vjp(model, x)


def test_taps_are_found_by_the_end_of_their_name():
    model, x = nn.Sequential(net(), net()[:0]), clip()
    whole, by_end = (vjp(model, x, tap, "guided") for tap in ("0.3", "3"))
    assert torch.equal(whole[0], by_end[0])
    assert torch.equal(whole[1](whole[0]), by_end[1](by_end[0]))


def test_unknown_and_ambiguous_taps_are_refused():
    model, x = build("dilated")
    with pytest.raises(InputError, match=r"no tap is named 'blok1\.conv1'; near it are: .*block1\.conv1"):
        vjp(model, x, "blok1.conv1")
    with pytest.raises(InputError, match=r"several taps end in 'conv3'; choose one of: block1\.conv3, block2\.conv3"):
        vjp(model, x, "conv3")


def test_integer_waveforms_are_refused():
    with pytest.raises(InputError, match=r"floating-point tensors, not torch\.int16"):
        vjp(net(), torch.zeros(1, 1, 100, dtype=torch.int16))


@pytest.mark.parametrize("trained", [True, False])
@pytest.mark.parametrize("tap", [None, "b"])
def test_a_model_that_cuts_gradients_is_refused(tap, trained):
    """Also where later layers are trained, so that their output has a gradient, but not to the waveform."""

    def forward(m, x: Tensor) -> Tensor:
        with torch.no_grad():
            x = m.a(x)
        return m.b(x)

    model = Written(forward, a=nn.Conv1d(1, 4, 9), b=nn.Conv1d(4, 3, 5)).double().requires_grad_(trained)
    with pytest.raises(InputError, match="the model cuts gradients"):
        vjp(model, clip(), tap)
    detached = Written(lambda m, x: m.a(x.detach()), a=nn.Conv1d(1, 4, 9)).double().requires_grad_(trained)
    with pytest.raises(InputError, match="the model cuts gradients"):
        vjp(detached, clip())


def test_models_may_overwrite_their_input():
    def forward(m, x: Tensor) -> Tensor:
        x -= x.mean()
        return m.conv(x.relu_())

    conv = nn.Conv1d(1, 3, 9).double()
    twin = Written(lambda m, x: m.conv(F.relu(x - x.mean())), conv=conv)
    x = clip()
    before = x.clone()
    for rule in RULES:
        ours = backproject(Written(forward, conv=conv), x, torch.ones_like, rule=rule)
        assert torch.equal(x, before)
        torch.testing.assert_close(ours, backproject(twin, x, torch.ones_like, rule=rule))


# -- What is left behind ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
def test_no_gradient_is_left_on_parameters(rule):
    model, x = net(), clip()
    value, pull = vjp(model, x, rule=rule)
    pull(value)
    assert all(parameter.grad is None for parameter in model.parameters())
    grads = [torch.randn_like(parameter) for parameter in model.parameters()]
    for parameter, grad in zip(model.parameters(), grads, strict=True):
        parameter.grad = grad.clone()
    backproject(model, x, value, rule=rule)
    assert all(torch.equal(p.grad, grad) for p, grad in zip(model.parameters(), grads, strict=True))
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_the_input_of_the_user_gathers_no_gradient():
    x = clip().requires_grad_()
    value, pull = vjp(net(), x)
    signal = pull(value)
    assert x.grad is None
    assert not value.requires_grad
    assert not signal.requires_grad


def test_it_works_where_gradients_are_off():
    model, x = net(), clip()
    value, pull = vjp(model, x)
    with torch.no_grad():
        silent, silent_pull = vjp(model, x)
        assert not torch.is_grad_enabled()
        assert torch.equal(silent_pull(silent), pull(value))


@pytest.mark.parametrize("rule", RULES)
def test_activations_are_freed(rule):
    model, kept = net(), []
    hook = model[5].register_forward_hook(lambda module, args, output: kept.append(weakref.ref(output)))
    value, pull = vjp(model, clip(), rule=rule)
    pull(value)
    hook.remove()
    del value, pull
    gc.collect()
    assert len(kept) == 1
    assert kept[0]() is None
