"""Look inside any torch module: what runs, what it sees of the sound, and the way back to the waveform."""

from otoscope.probe.backproject import Pullback, backproject, logits, vjp
from otoscope.probe.check import Check
from otoscope.probe.measure import measure
from otoscope.probe.moments import Measured
from otoscope.probe.read import read_taps
from otoscope.probe.rules import RULES, Activation, Rule, RuleName, rule_name
from otoscope.probe.trace import Layer, Tap, Trace, locate, trace
from otoscope.probe.verify import verify

__all__ = [
    "RULES",
    "Activation",
    "Check",
    "Layer",
    "Measured",
    "Pullback",
    "Rule",
    "RuleName",
    "Tap",
    "Trace",
    "backproject",
    "locate",
    "logits",
    "measure",
    "read_taps",
    "rule_name",
    "trace",
    "verify",
    "vjp",
]
