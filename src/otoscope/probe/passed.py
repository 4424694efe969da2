"""Every non-linearity on the way back from a value to the waveform, with whether a rule governed it.

They are read off the history that autograd keeps, so that none can hide: what no interceptor sees (a scripted module, a
function with a derivative of its own) is there, too. A node of that history is named by the call that made it, which is
found by its number: autograd counts the nodes of a thread, and a call makes those between two counts.

A node is linear if its derivative does not depend on the input: convolutions, sums, views, and products with constants.
A node that is not known is taken for non-linear.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.probe.choices import Choices
from otoscope.probe.cuts import Cuts, name_of, refuse
from otoscope.probe.derivatives import KINDS, LINEAR, PRODUCTS, Kind
from otoscope.probe.listen import Call
from otoscope.probe.pointwise import step_of
from otoscope.probe.transforms import transform

#: A rule has nothing to say on these: an average, or the largest of several, is not what shapes a signal.
_LEFT_ALONE = ("normalisation", "weighting", "selection")


@dataclass(frozen=True)
class Passed:
    """A non-linearity between a value and the waveform.

    Attributes
    ----------
    name : str
        Of the tap; or the path of the module that calls, and the operation.
    op : str
        The torch function, or the operations by which an activation is written.
    governed : bool
        Whether the rule said what it passes back.
    kind : str
        An "activation"; a "weight" (sigmoid, softmax, attention); a "scale" (logarithm, power ...); a "product" of two
        signals; a "weighting" of one by fewer factors; a "recurrence"; a "normalisation"; a "selection" (pooling by
        maximum); a "choice" by what the sound says and no gradient does (a mask, an index, a number taken out of
        torch), or by value among signals (sorting, median); or "unknown".
    beside : bool
        Whether it lies only on the way to a factor, such as a statistic or the weight of a channel, by which a larger
        signal is multiplied.
    """

    name: str
    op: str
    governed: bool
    kind: Kind
    beside: bool = False

    def __str__(self) -> str:
        return self.name if self.name.endswith(self.op) else f"{self.name} ({self.op})"


_RECURRENT = frozenset("lstm gru rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell".split())
_NORMALISING = frozenset(
    "layer_norm group_norm instance_norm batch_norm rms_norm normalize local_response_norm var std norm vector_norm "
    "linalg_vector_norm var_mean std_mean cosine_similarity renorm".split()
)
_GOVERNED = ("_RuledBackward", "_GraftedBackward", "_RoutedBackward")
_noted: ContextVar[list[Sequence[Passed]] | None] = ContextVar("_noted", default=None)
_HIDDEN = "code that is not Python"
_WITHIN = " within torch.func."


@dataclass(frozen=True)
class _Span:
    """The nodes that a call made, by their numbers; `smaller` is which of two factors has fewer elements."""

    start: int
    end: int
    name: str
    op: str
    smaller: int | None
    chooses: bool
    selects: bool
    fewer: bool  # whether what the sound chose are terms or factors that are fewer than the elements of the signal


@dataclass(frozen=True)
class _Left:
    """A call that took what depends on the sound out of torch, or asked it which way to go on."""

    place: int
    name: str
    op: str
    taken: bool


class Passage:
    """The calls of one forward pass, by the nodes that they made."""

    def __init__(self, model: nn.Module, choices: Choices) -> None:
        scripted: list[str] = []  # the outermost of them
        for path, one in model.named_modules():
            inside = any(path.startswith(f"{outer}.") or not outer for outer in scripted)
            if isinstance(one, torch.jit.ScriptModule) and not inside:
                scripted.append(path)
        self._hidden = "scripted " + ", ".join(path or "model" for path in scripted) if scripted else _HIDDEN
        self._spans: list[_Span] = []
        self._end: int | None = None
        self._left: list[_Left] = []
        self._choices = choices

        self.cuts = Cuts()

    def run(self, call: Call, run: Callable[[], Any]) -> Any:
        """Run a call, and note the nodes that it makes.

        Raises
        ------
        InputError
            If no gradient can go through it.
        """
        refuse(call)
        start, name = _count(), name_of(call) + (f"{_WITHIN}{within}" if (within := transform()) else "")
        smaller = _smaller(call)
        chooses, fewer = bool(self._choices.chosen(call)), not self._choices.bend(call)
        selects, leaves = self._choices.selects(call), self._choices.leaves(call)
        if leaves is not False:
            self._left.append(_Left(start, name_of(call), step_of(call), bool(leaves)))
        result = run()
        self._choices.note(call, result)
        end = _count()
        if end > start:
            op = call.operation.op if call.operation is not None else step_of(call)
            self._spans.append(_Span(start, end, name, op, smaller, chooses, selects, fewer))
        self.cuts.note(call, result)
        return result

    def end(self) -> None:
        """Note that the model has run: later nodes are not its own."""
        self._end = _count()

    def passed(self, value: Tensor) -> tuple[Passed, ...]:
        """The non-linearities between a value and the leaves of its history, in the order of the calls."""
        return tuple(self._found(*self._walk(value)))

    def _walk(self, value: Tensor) -> tuple[list[Any], set[Any]]:
        """All nodes, and those that are on a way without a step to a smaller factor."""
        everything = list(_reached(value, lambda node: None))
        return everything, set(_reached(value, self._factor_beside))

    def _factor_beside(self, node: Any) -> int | None:
        span = self._span(node)
        return span.smaller if span is not None and _stem(node) in ("Mul", "Div") else None

    def _span(self, node: Any) -> _Span | None:
        number = node._sequence_nr()
        place = bisect_right(self._spans, number, key=lambda span: span.start) - 1
        span = self._spans[place] if place >= 0 else None
        return span if span is not None and number < span.end else None

    def _unseen(self, node: Any) -> tuple[str, str]:
        """The name and operation of a node that no call made."""
        if isinstance(node, torch.autograd.function.BackwardCFunction):
            return "a torch.autograd.Function", type(node).__name__.removesuffix("Backward")
        return self._hidden, _stem(node).lower()

    def _found(self, everything: list[Any], main: set[Any]) -> Iterator[Passed]:
        found: dict[tuple[int, str], Passed] = {}
        for node in everything:
            span, governed = self._span(node), node.name() in _GOVERNED
            kind: Kind | None = "activation" if governed else _kind(node, span)
            fewer = False
            if span is not None and ((kind is None and span.chooses) or (kind == "selection" and span.selects)):
                kind, fewer = "choice", kind is None and span.fewer
            number = node._sequence_nr()
            if kind is None or (span is None and self._end is not None and number >= self._end):
                continue
            label = getattr(node, "label", None) if governed else None
            name, op = (span.name, span.op) if span else self._unseen(node)
            op = str(label) if label else op
            name = str(getattr(node, "place", "") or name) if governed else name
            beside = fewer or node not in main
            key = (span.start, "") if span else (number, op)
            before = found.get(key)
            if before is not None:
                op, kind = (op, kind) if governed else (before.op, before.kind)
                governed, beside = governed or before.governed, beside and before.beside
            found[key] = Passed(name, op, governed, kind, beside)
        last = max((node._sequence_nr() for node in everything), default=-1)
        for left in self._left:
            if left.place <= last:
                one = Passed(left.name, left.op, False, "choice" if left.taken else "selection", beside=True)
                found.setdefault((left.place, f"left by {left.op}"), one)
        named: dict[Passed, None] = {found[key]: None for key in sorted(found)}
        yield from named


def _count() -> int:
    """How many nodes of autograd this thread has made."""
    number: int = torch._C._autograd._get_sequence_nr()
    return number


def _reached(value: Tensor, cut: Any) -> Iterator[Any]:
    """The nodes of a history, without the ways that `cut` names by their place at a node."""
    visited: set[Any] = set()
    nodes = [value.grad_fn]
    while nodes:
        node = nodes.pop()
        if node is None or node in visited:
            continue
        visited.add(node)
        yield node
        skipped = cut(node)
        nodes += [before for place, (before, _) in enumerate(node.next_functions) if place != skipped]


def _stem(node: Any) -> str:
    return re.sub(r"Backward\d*$", "", node.name().rpartition("::")[2])


def _kind(node: Any, span: _Span | None) -> Kind | None:
    """What makes a node non-linear; None where it is not."""
    stem = _stem(node)
    if stem in LINEAR:
        return None
    if span is not None and span.op in _RECURRENT:
        return "recurrence" if stem in KINDS or stem in PRODUCTS else None
    if stem in PRODUCTS:
        smaller = span is not None and span.smaller is not None
        kind: Kind | None = ("weighting" if smaller else "product") if _depends_twice(stem, node) else None
    elif stem.endswith(("BatchNorm", "BatchNormWithUpdate")):
        kind = "normalisation" if getattr(node, "_saved_training", True) else None
    else:
        kind = KINDS.get(stem, "unknown")
    if kind is not None and span is not None:
        if span.op in _NORMALISING:
            return "normalisation"
        if span.op == "multi_head_attention_forward" or "attention" in span.op:
            return "weight"
        if "pool" in span.op:
            return "selection"
    return kind


def _depends_twice(stem: str, node: Any) -> bool:
    """Whether both factors of a product depend on the sound, or its divisor does."""
    sources = [source is not None for source, _ in node.next_functions]
    if stem == "Div":
        return len(sources) > 1 and sources[1]
    if stem in ("Addmm", "Baddbmm", "Addbmm", "Addmv", "Addr", "Addcmul", "Addcdiv"):
        sources = sources[1:]
    elif "Conv" in stem or stem in ("Linear", "MkldnnLinear"):
        sources = sources[:2]
    return sum(sources) > 1


def _smaller(call: Call) -> int | None:
    if step_of(call) not in ("mul", "multiply", "div", "divide", "true_divide") or len(call.args) < 2:
        return None
    one, other = call.args[:2]
    if not (isinstance(one, Tensor) and isinstance(other, Tensor) and one.requires_grad and other.requires_grad):
        return None
    return None if one.numel() == other.numel() else int(one.numel() > other.numel())


@contextmanager
def noting() -> Iterator[list[Sequence[Passed]]]:
    """Note what every way back in this context passed under a rule, in the list that this gives."""
    noted: list[Sequence[Passed]] = []
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)


def check_governed(passed: Sequence[Passed], rule: str, place: str, used: bool = False) -> None:
    """Raise an InputError where a rule governed none of the non-linearities that it might have, and was not used."""
    noted = _noted.get()
    if noted is not None:
        noted.append(passed)
    if used or any(one.governed for one in passed):
        return
    missed = [one for one in passed if one.kind not in _LEFT_ALONE and not one.beside]
    if missed:
        raise InputError(
            f"the rule {rule} governs none of the non-linearities between the waveform and {place}: "
            f"{_listed(missed)}. It would be the plain gradient under another name: use the rule gradient, or, for "
            "relevance, occlusion"
            + ("; or give the original module instead of the scripted one" if _is_scripted(missed) else "")
            + _way_out_of_transforms(missed)
        )


def said(passed: Iterable[Passed]) -> dict[str, str]:
    """What results say of a rule: the names of what it governed, and of what it did not, as attributes.

    Examples
    --------
    >>> said([Passed("conv.relu", "relu", True, "activation"), Passed("pool", "max_pool1d", False, "selection")])
    {'governed': 'conv.relu', 'not_governed': ''}
    """
    passed = list(passed)
    return {
        "governed": ", ".join(dict.fromkeys(str(one) for one in passed if one.governed))
        or ("" if passed else "linear"),
        "not_governed": ", ".join(
            dict.fromkeys(str(one) for one in passed if not one.governed and one.kind not in _LEFT_ALONE)
        ),
    }


def _listed(missed: Sequence[Passed]) -> str:
    names = list(dict.fromkeys(map(str, missed)))
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _way_out_of_transforms(missed: Sequence[Passed]) -> str:
    names = [one.name.partition(_WITHIN)[2] for one in missed if _WITHIN in one.name]
    if not names:
        return ""
    return (
        f". No rule reaches what runs within torch.func.{names[0]}: write the model without "
        "it (for vmap, on tensors with the mapped axis in their batch), and the rule governs its activations"
    )


def _is_scripted(missed: Sequence[Passed]) -> bool:
    return any(one.name.startswith("scripted ") or one.name == _HIDDEN for one in missed)
