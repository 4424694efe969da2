"""Whatever a model writes to while it is run, it has its own back; and it is run by one thread at a time."""

from __future__ import annotations

import multiprocessing
import random
from array import array
from collections import Counter, UserDict, defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from queue import Queue
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from probe_zoo import Written
from torch import Tensor, nn

from otoscope.probe import backproject, read_taps, trace, vjp
from otoscope.probe.listen import differentiable_recurrence, evaluating
from otoscope.probe.locks import lock_of


@dataclass
class Memory:
    hidden: Tensor
    steps: int = 0


class Remembering(nn.Module):
    """A model that keeps something from one call to the next; `write` says how."""

    def __init__(self, write):
        super().__init__()
        self.conv, self.write = nn.Conv1d(1, 4, 8, 4), write
        self.register_buffer("buffer", torch.zeros(4))
        self.window = self.buffer[1:3]
        self.state = torch.zeros(4)
        self.array = np.zeros(4, dtype=np.float32)
        self.several = [torch.zeros(4), (torch.zeros(4), 1), {"x": torch.zeros(4)}]
        self.recent = deque([torch.zeros(4)], maxlen=2)
        self.memory = Memory(torch.zeros(4))
        self.generator = torch.Generator().manual_seed(3)
        self.count = 0

    def forward(self, x):
        y = self.conv(x)
        return y + self.write(self, y.detach().mean((0, 2)))[:, None]


def add_to_buffer(m, y):
    m.buffer += y
    return m.buffer.clone()


def add_unseen(m, y):
    m.buffer.data.add_(y)
    return m.buffer


def add_to_a_view(m, y):
    m.window += y[:2]
    return m.buffer.clone()


def buffer_anew(m, y):
    m.buffer = m.buffer + y
    return m.buffer


def attribute_anew(m, y):
    m.state = m.state + y
    return m.state


def attribute_in_place(m, y):
    m.state.add_(y)
    return m.state.clone()


def attribute_made(m, y):
    m.last = getattr(m, "last", 0) + y
    return m.last


def attribute_deleted(m, y):
    if not hasattr(m, "memory"):
        return y + 1
    del m.memory
    return y


def in_an_array(m, y):
    m.array += y.numpy()
    return torch.from_numpy(m.array.copy())


def in_a_list(m, y):
    m.several[0] += y
    m.several[1][0].add_(y)
    m.several[2]["x"] = m.several[2]["x"] + y
    m.several.append(y)
    return m.several[0] + m.several[1][0] + m.several[2]["x"] + len(m.several)


def in_a_queue(m, y):
    m.recent.append(m.recent[-1] + y)
    return m.recent[-1]


def in_an_object(m, y):
    m.memory.hidden += y
    m.memory.steps += 1
    return m.memory.hidden + m.memory.steps


def by_counting(m, y):
    m.count += 1
    return y * m.count


def weights_unseen(m, y):
    m.conv.weight.data.mul_(0.5)
    return y


def weights_seen(m, y):
    with torch.no_grad():
        m.conv.weight.clamp_(-0.01, 0.01)
    return y


def weights_exchanged(m, y):
    m.conv.weight.data = m.conv.weight.data.clamp(-0.01, 0.01)
    return y


def weights_anew(m, y):
    m.conv.weight = nn.Parameter(m.conv.weight.detach() / 2)
    return y


def weights_frozen(m, y):
    m.conv.weight.requires_grad_(False)
    return y


def gradients(m, y):
    with torch.enable_grad():
        m.conv.bias.grad = torch.ones(4)
    return y


def hooks(m, y):
    m.conv.register_forward_hook(lambda module, args, output: output + 1)
    return y


def draws(m, y):
    mine, numpys = torch.rand((), generator=m.generator), np.random.rand()  # noqa: NPY002
    return y + torch.rand(()) + mine + numpys + random.random()


def parts(m, y):
    m.conv.add_module("more", nn.ReLU())
    return y + len(list(m.modules()))


WRITES = [
    add_to_buffer,
    add_unseen,
    add_to_a_view,
    buffer_anew,
    attribute_anew,
    attribute_in_place,
    attribute_made,
    attribute_deleted,
    in_an_array,
    in_a_list,
    in_a_queue,
    in_an_object,
    by_counting,
    weights_unseen,
    weights_seen,
    weights_exchanged,
    weights_anew,
    weights_frozen,
    gradients,
    hooks,
    draws,
    parts,
]


def described(value):
    """Everything that a module holds, in plain values that can be compared."""
    if isinstance(value, Tensor):
        return value.tolist(), value.requires_grad, described(value.grad) if value.is_leaf else None, id(value)
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, torch.Generator):
        return value.get_state().tolist()
    if isinstance(value, (list, tuple, deque)):
        return [described(one) for one in value]
    if isinstance(value, dict):
        return {key: described(one) for key, one in value.items()}
    if isinstance(value, (nn.Module, Memory)):
        return id(value), described(vars(value))
    return value


def drawn():
    return torch.get_rng_state().tolist(), random.getstate(), repr(np.random.get_state())  # noqa: NPY002


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("training", [True, False])
def test_what_a_model_writes_is_put_back(write, training):
    model, x = Remembering(write).train(training), torch.randn(2, 1, 40)
    model.conv.weight.grad = torch.ones_like(model.conv.weight)
    before, random_before = described(model), drawn()
    with torch.no_grad():
        values = [read_taps(model, x)["conv"] for _ in range(3)]
    trace(model, x, 1.0)
    answers = [vjp(model, x, rule=rule)[0] for rule in ("gradient", "guided")]
    assert described(model) == before
    assert drawn() == random_before
    assert all(torch.equal(values[0], value) for value in values)
    assert torch.equal(*answers)


@pytest.mark.parametrize("write", WRITES)
def test_the_way_back_is_that_of_the_pass(write):
    """Also where the model used what it had just written, and where the way back is taken long after the pass."""

    class Using(Remembering):
        def forward(self, x):
            return self.write(self, x.detach().mean().expand(4))[:, None] * self.conv(x).tanh()

    torch.manual_seed(0)
    model, x = Using(write).eval(), torch.randn(1, 1, 40, requires_grad=True)
    value, pull = vjp(model, x)
    seed = torch.randn_like(value)
    found = pull(seed)
    random_before = drawn()
    output = model(x)  # as the user would, which changes the model
    torch.set_rng_state(torch.tensor(random_before[0], dtype=torch.uint8))
    random.setstate(random_before[1])
    if write is not draws:  # NumPy's draws were not repeated
        torch.testing.assert_close(value, output.detach())
        torch.testing.assert_close(found, torch.autograd.grad(output, x, seed)[0])


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_also_after_an_exception(error):
    def write(m, y):
        in_a_list(m, y), add_to_buffer(m, y), weights_unseen(m, y), draws(m, y)
        raise error

    model = Remembering(write).train()
    before, random_before = described(model), drawn()
    for look in (read_taps, vjp, lambda model, x: trace(model, x, 1.0)):
        with pytest.raises(error):
            look(model, torch.randn(2, 1, 40).clone())
    assert described(model) == before
    assert drawn()[1:] == random_before[1:]


class Slots:
    __slots__ = ("missing", "n")

    def __init__(self):
        self.n = torch.zeros(2)


class Attributed(dict):
    pass


class Many(list):
    pass


def called():
    """A function that counts its calls in an attribute."""


HELD = {
    "namespace": (SimpleNamespace(n=0), lambda o: setattr(o, "n", o.n + 1), repr),
    "tensor in a namespace": (SimpleNamespace(h=torch.zeros(2)), lambda o: o.h.add_(1), lambda o: o.h.tolist()),
    "slots": (Slots(), lambda o: o.n.add_(1), lambda o: o.n.tolist()),
    "another slot": (Slots(), lambda o: setattr(o, "missing", 1), lambda o: hasattr(o, "missing")),
    "user's dictionary": (UserDict(n=0), lambda o: o.__setitem__("n", o["n"] + 1), repr),
    "nested": (defaultdict(list), lambda o: o["a"].append(1), repr),
    "kind of dictionary": (Attributed(n=0), lambda o: o.__setitem__("n", o["n"] + 1), repr),
    "attribute of a dictionary": (Attributed(), lambda o: setattr(o, "n", 1), lambda o: dict(vars(o))),
    "kind of list": (Many([0]), lambda o: o.append(1), repr),
    "counts": (Counter("ab"), lambda o: o.update("a"), repr),
    "queue": (Queue(), lambda o: o.put(1), lambda o: o.qsize()),
    "bytes": (bytearray(1), lambda o: o.append(1), repr),
    "numbers": (array("d"), lambda o: o.append(1.0), repr),
    "in a tuple": (({"n": 0},), lambda o: o[0].update(n=1), repr),
    "function": (called, lambda o: setattr(o, "n", getattr(o, "n", 0) + 1), lambda o: dict(vars(o))),
    "bound arguments": (partial(print, n=[]), lambda o: o.keywords["n"].append(1), repr),
}


@pytest.mark.parametrize(("held", "write", "seen"), HELD.values(), ids=HELD)
def test_whatever_holds_state_is_put_back(held, write, seen):
    model = Written(lambda m, x: (write(m.held), m.a(x).tanh())[1], a=nn.Conv1d(1, 2, 3))
    model.held = held
    before = seen(held)
    trace(model, torch.ones(1, 1, 20), 1.0)
    vjp(model, torch.ones(1, 1, 20))
    assert seen(model.held) == before
    assert model.held is held


def test_what_a_class_holds_is_put_back():
    class Shared(nn.Sequential):
        calls, seen = 0, []

        def forward(self, x):
            type(self).calls += 1
            type(self).last = x
            self.seen.append(1)
            return super().forward(x)

    vjp(Shared(nn.Conv1d(1, 2, 3)), torch.ones(1, 1, 20))
    assert (Shared.calls, Shared.seen, hasattr(Shared, "last")) == (0, [], False)


def test_no_graph_is_left_in_the_state():
    def forward(m, x):
        m.state.h = 0.9 * m.state.h + m.a(x).mean((0, -1))
        return m.state.h[None].tanh()

    model = Written(forward, a=nn.Conv1d(1, 2, 3))
    model.state = SimpleNamespace(h=torch.zeros(2))
    one, other = (vjp(model, torch.ones(1, 1, 20))[0] for _ in range(2))
    assert torch.equal(one, other)
    assert model.state.h.grad_fn is None
    assert not model.state.h.any()


CONDITIONAL = {
    "by length": lambda m, x, n: m.a.weight.data.mul_(1.1) if x.shape[-1] > 30 else None,
    "by a flag": lambda m, x, n: m.a.weight.data.neg_() if m.flag else None,
    "by loudness": lambda m, x, n: m.a.weight.data[0].clamp_(-0.01, 0.01) if x.abs().max() > 5 else None,
    "now and then": lambda m, x, n: m.a.weight.data.div_(m.a.weight.norm()) if n % 3 == 2 else None,
    "by copy": lambda m, x, n: m.a.weight.data.copy_(renormed(m.a.weight)),
    "by out": lambda m, x, n: torch.mul(m.a.weight.data, 2, out=m.a.weight.data) if n else None,
    "by item": lambda m, x, n: m.a.weight.data.__setitem__((0, 0, slice(1, 2)), 7.0) if n else None,
    "by iadd": lambda m, x, n: m.a.weight.data.view(-1)[1:].__iadd__(1) if n else None,
    "of many": lambda m, x, n: torch._foreach_mul_([p.data for p in m.parameters()], 2.0) if n else None,
    "of a rectifier": lambda m, x, n: F.relu(m.a.weight.data, inplace=True) if n else None,
    "by a step": lambda m, x, n: stepped(m) if n else None,
}


def renormed(weight):
    return weight.detach() / weight.detach().norm(dim=2, keepdim=True).clamp(min=1)


def stepped(m):
    for parameter in m.parameters():
        parameter.grad = torch.ones_like(parameter)
    torch.optim.SGD(m.parameters(), lr=0.1).step()


@pytest.mark.parametrize("write", CONDITIONAL.values(), ids=CONDITIONAL)
def test_weights_are_put_back_whenever_they_are_written(write):
    calls = []

    def forward(m, x):
        write(m, x, len(calls))
        calls.append(1)
        return F.linear(m.a(x).mT, m.b).tanh()

    model = Written(forward, a=nn.Conv1d(1, 4, 3))
    model.flag, model.b = False, nn.Parameter(torch.randn(2, 4))
    short, loud, long = torch.randn(1, 1, 20), 10 * torch.ones(1, 1, 20), torch.randn(1, 1, 40)
    vjp(model, short)
    for parameter in model.parameters():
        parameter.data.mul_(20)
    model.flag = True
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for x in (short, loud, long):
        vjp(model, x)[1](torch.ones(1, x.shape[-1] - 2, 2))
        read_taps(model, x) if x is not long else trace(model, x, 1.0)
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
        assert all(one.grad is None for one in model.parameters())


def test_a_graph_keeps_weights_as_they_were_written():
    model = Written(lambda m, x: (m.a.weight.data.mul_(x.detach().abs().max()), m.a(x).tanh())[1], a=nn.Linear(8, 3))
    model.a.weight.requires_grad_(False)
    x, before = 3 * torch.ones(2, 8), model.a.weight.clone()
    value, pull = vjp(model, x)
    given = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(F.linear(given, 3 * before, model.a.bias).tanh().sum(), given)
    torch.testing.assert_close(pull(torch.ones_like(value)), expected)
    assert torch.equal(model.a.weight, before)


def test_tied_weights_stay_tied_while_they_are_watched():
    model = Written(lambda m, x: m.b(m.a(x)), a=nn.Conv1d(1, 1, 3), b=nn.Conv1d(1, 1, 3))
    model.b.weight = model.a.weight
    with evaluating(model):
        assert model.b.weight is model.a.weight
    assert model.b.weight is model.a.weight


@pytest.mark.parametrize(
    "made", [nn.GRU(4, 3, batch_first=True), nn.LSTM(4, 3, 2, batch_first=True, bidirectional=True)]
)
def test_recurrent_layers_keep_their_list_of_weights(made):
    model, x = Written(lambda m, x: m.rnn(m.a(x).mT)[0], a=nn.Conv1d(1, 4, 3), rnn=made), torch.randn(1, 1, 20)
    for _ in range(2):
        torch.testing.assert_close(vjp(model, x)[0], model(x).detach())
    assert all(one is other for one, other in zip(made._flat_weights, made.parameters(), strict=True))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_scripted_model_is_left_as_it_was():
    model = torch.jit.script(Scripted()).train()
    x = torch.ones(1, 1, 20)
    with torch.no_grad():
        model(x)
        answers = []
        for _ in range(2):
            with evaluating(model):
                answers.append((model(x), model(x)))
    assert torch.equal(answers[0][0], answers[1][0])
    assert not torch.equal(answers[0][0], answers[0][1])
    assert (model.state.item(), model.buffer.item(), model.count, model.several[0].item()) == (1, 1, 1, 1)
    assert model.training
    assert model.conv.training


class Scripted(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.state, self.count, self.several = nn.Conv1d(1, 1, 3), torch.zeros(1), 0, [torch.zeros(1)]
        self.register_buffer("buffer", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.state, self.count = self.state + 1, self.count + 1
        self.buffer += 1
        self.several[0] += 1
        return self.conv(x) + self.state + self.buffer + self.count + self.several[0]


def test_lazy_modules_are_initialised_once():
    model, x = nn.Sequential(nn.LazyConv1d(2, 3), nn.LazyBatchNorm1d()), torch.randn(1, 1, 20)
    values = [read_taps(model, x)["0"] for _ in range(2)]
    assert torch.equal(*values)
    assert model.training
    assert model[1].training


def in_training():
    torch.manual_seed(0)
    parts = [nn.Conv1d(1, 8, 9, 4), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Conv1d(8, 3, 5), nn.Tanh()]
    return nn.Sequential(*parts).train()


FUNCTIONS = {
    "trace": lambda model, x: trace(model, x, 1.0)["4"].weight,
    "vjp": lambda model, x: (lambda value, pull: pull(value))(*vjp(model, x, rule="guided")),
    "backproject": lambda model, x: backproject(model, x, torch.ones_like, "4", "deconvnet"),
    "read_taps": lambda model, x: read_taps(model, x)["5"],
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_two_threads_on_a_model_in_training(function):
    model, inputs = in_training(), [torch.randn(2, 1, 200) for _ in range(8)]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    right = [function(in_training(), x) for x in inputs]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda i: function(model, inputs[i % 8]), range(80)))
    assert [torch.equal(value, right[i % 8]) for i, value in enumerate(found)] == [True] * 80
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(module.training for module in model.modules())


def test_a_part_of_a_model_has_the_lock_of_the_whole():
    model = in_training()
    assert lock_of(model[4]) is lock_of(model)
    encoder = nn.Sequential(nn.ReLU())
    lock = lock_of(encoder)
    assert lock_of(nn.Sequential(encoder, nn.ReLU())) is lock
    assert lock_of(in_training()) is not lock_of(model)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # a fork of a process with threads
def test_a_lock_is_free_in_a_process_forked_while_it_was_held():
    model = nn.Sequential(nn.ReLU())
    held, done = multiprocessing.Event(), multiprocessing.Event()

    def hold():
        with lock_of(model):
            held.set()
            done.wait(60)

    thread = Thread(target=hold)
    thread.start()
    held.wait(60)
    child = multiprocessing.get_context("fork").Process(target=lambda: exit(not lock_of(model).acquire(timeout=10)))
    child.start()
    child.join(60)
    done.set()
    thread.join()
    assert child.exitcode == 0


def test_a_way_back_after_dropout_at_inference_repeats_its_draws():
    model = Written(lambda m, x: F.dropout(m.a(x), 0.5, training=True), a=nn.Conv1d(1, 4, 3))
    x = torch.randn(1, 1, 30)
    value, pull = vjp(model, x)
    seeds = torch.eye(value.numel()).reshape(-1, *value.shape)
    torch.testing.assert_close(pull(seeds[:40]), torch.stack([pull(seed) for seed in seeds[:40]]))


def test_cudnn_is_on_again_when_the_last_of_several_threads_has_ended():
    models = [nn.GRU(1, 2), nn.GRU(1, 2)]
    enabled, first, second = torch.backends.cudnn.enabled, *(differentiable_recurrence(model) for model in models)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not torch.backends.cudnn.enabled
    second.__exit__(None, None, None)
    assert torch.backends.cudnn.enabled == enabled


class Tied(nn.Module):
    """Its parts share a weight, a buffer, a part, a dictionary, and what a plain object holds."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv1d(1, 4, 8, 4), nn.Conv1d(1, 4, 8, 4)
        self.b.weight, self.b.part = self.a.weight, self.a
        self.a.register_buffer("count", torch.zeros(4))
        self.b.register_buffer("count", self.a.count)
        self.one, self.other = Memory(torch.zeros(4)), Memory(torch.zeros(4))
        self.other.__dict__ = self.one.__dict__
        self.own = self.a.__dict__

    def forward(self, x):
        self.a.count += 1
        self.other.hidden += 1
        self.a.more = 1
        return self.a(x).tanh() + self.b(x.flip(-1)).tanh()


@pytest.mark.parametrize("training", [True, False])
def test_what_parts_share_is_put_back(training):
    model = Tied().train(training)
    model(torch.randn(2, 1, 40)).sum().backward()
    del model.a.more
    gradients, before = [p.grad for p in model.parameters()], described(vars(model.a))
    trace(model, torch.randn(2, 1, 40), 1.0)
    assert all(p.grad is grad for p, grad in zip(model.parameters(), gradients, strict=True))
    assert described(vars(model.a)) == before
    assert model.a.weight is model.b.weight
    assert model.a.count is model.b.count
    assert model.one.hidden.tolist() == model.other.hidden.tolist() == [1.0] * 4
    assert model.training is model.b.training is training


def test_keys_are_put_back_in_their_order():
    def forward(m, x):
        del m.held["a"]
        m.held["c"], m.held["a"] = m.held.pop("b"), 3
        return m.conv(x)

    model = Written(forward, conv=nn.Conv1d(1, 2, 3))
    model.held = {"a": 1, "b": 1}
    read_taps(model, torch.ones(1, 1, 20))
    assert list(model.held.items()) == [("a", 1), ("b", 1)]


UNSEEN = {
    "NumPy": lambda m: np.multiply(m.a.weight.detach().numpy(), 0.9, out=m.a.weight.detach().numpy()),
    "state dict": lambda m: m.state_dict()["a.weight"].mul_(0.9),
    "data": lambda m: setattr(m.a.weight, "data", 0.9 * m.a.weight.data),
}


@pytest.mark.parametrize("write", UNSEEN.values(), ids=UNSEEN)
def test_weights_stay_where_they_lie_however_they_are_written(write):
    """Also where they are views of one buffer, and in memory that processes share."""
    model = Written(lambda m, x: (write(m), m.a(x).tanh())[1], a=nn.Conv1d(1, 4, 8))
    flat = torch.cat([p.detach().flatten() for p in model.parameters()]).share_memory_()
    model.a.weight.data, model.a.bias.data = flat[:32].view(4, 1, 8), flat[32:]
    before, x = flat.clone(), torch.randn(1, 1, 40)
    expected = F.conv1d(x, 0.9 * before[:32].view(4, 1, 8), before[32:]).tanh()
    for _ in range(2):
        value, pull = vjp(model, x)
        torch.testing.assert_close(value, expected)
        pull(torch.ones_like(value))
        trace(model, x, 1.0)
    assert torch.equal(flat, before)
    assert model.a.weight.data_ptr() == flat.data_ptr()
    assert model.a.weight.is_shared()


def test_weights_are_copied_for_the_first_run_alone():
    model, x = nn.Sequential(nn.Conv1d(1, 4, 8), nn.ReLU()), torch.randn(1, 1, 40)
    places = []
    model.register_forward_hook(lambda m, args, y: places.append(m[0].weight.data_ptr() == own))
    own = model[0].weight.data_ptr()
    for _ in range(3):
        with evaluating(model):
            pass
        with evaluating(model):
            model(x)
    assert places == [False, True, True]


def test_copies_of_weights_share_their_memory_as_the_weights_do():
    model = Written(lambda m, x: (m.flat.mul_(2), m.a(x))[1], a=nn.Conv1d(1, 4, 8, bias=False))
    model.flat = model.a.weight.detach().flatten().clone()
    model.a.weight.data = model.flat.view(4, 1, 8)
    x, before = torch.randn(1, 1, 40), model.flat.clone()
    torch.testing.assert_close(vjp(model, x)[0], F.conv1d(x, 2 * before.view(4, 1, 8)))
    assert torch.equal(model.flat, before)
    assert model.flat.data_ptr() == model.a.weight.data_ptr()
