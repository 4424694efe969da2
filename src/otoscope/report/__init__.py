"""Results as one HTML file that can be sent, and as a folder with arrays and sounds."""

from __future__ import annotations

from otoscope.app.players import Player
from otoscope.report.comparison_folder import write_comparison
from otoscope.report.folder import inspect, write_numbers, write_picture, write_report, write_results
from otoscope.report.html import Figure, Heading, Note, Section, Table, render
from otoscope.report.notebook import explore
from otoscope.report.summary import taps_table

__all__ = [
    "Figure",
    "Heading",
    "Note",
    "Player",
    "Section",
    "Table",
    "explore",
    "inspect",
    "render",
    "taps_table",
    "write_comparison",
    "write_numbers",
    "write_picture",
    "write_report",
    "write_results",
]
