"""How Sphinx builds these pages: ``make docs``. Nothing is fetched, so that they build without a network."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import GenericAlias

from sphinx.application import Sphinx

import otoscope

sys.path.insert(0, str(Path(__file__).resolve().parent / "_ext"))

project = "Otoscope"
author = "The Otoscope developers"
project_copyright = author
version = release = otoscope.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "commands",
    "mathml",
    "repository",
]
exclude_patterns = ["_build", "descriptions", "examples", "training/free_sets_table.md", "segments", "whole_sets"]
templates_path = ["_templates"]
nitpicky = True

# -- Pages -----------------------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "Otoscope"
html_static_path = ["_static"]
html_css_files = ["otoscope.css"]
html_copy_source = False
html_show_sourcelink = False
# Pages without pages below them need no list of those.
html_sidebars = {page: [] for page in ("index", "start", "command-line", "architecture", "contributing", "changes")}
html_theme_options = {
    "logo": {"text": "Otoscope"},
    "header_links_before_dropdown": 5,
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
}

# -- Markdown --------------------------------------------------------------------------------------------

myst_enable_extensions = ["amsmath", "dollarmath"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 4

# -- Reference -------------------------------------------------------------------------------------------

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"  # types stand in the docstrings
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
add_module_names = False

#: Packages whose names are links where there is a network, and plain text elsewhere.
OTHERS = {
    "python": "https://docs.python.org/3",
    "numpy": "https://numpy.org/doc/stable",
    "scipy": "https://docs.scipy.org/doc/scipy",
    "torch": "https://docs.pytorch.org/docs/stable",
    "xarray": "https://docs.xarray.dev/en/stable",
    "matplotlib": "https://matplotlib.org/stable",
}
if os.environ.get("READTHEDOCS"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {name: (address, None) for name, address in OTHERS.items()}
nitpick_ignore_regex = [("py:.*", rf"({'|'.join(OTHERS)})\..*")]

# -- Gallery ---------------------------------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "within_subsection_order": "pictures.Order",
    "doc_module": ("otoscope",),
    "backreferences_dir": "gallery/backreferences",
    "inspect_global_variables": True,
    "remove_config_comments": True,
    "capture_repr": ("_repr_html_", "__repr__"),
    "ignore_repr_types": r"matplotlib|ndarray|list|tuple",  # what drawing returns
    "image_srcset": ["2x"],
    "reset_modules": ("pictures.reset",),
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    "abort_on_example_error": False,
}


def skip_aliases(app: Sphinx, what: str, name: str, member: object, skip: bool, options: object) -> bool | None:
    """Names of types such as ``tuple[Path, str]`` are not classes, though autosummary takes them for such."""
    return True if isinstance(member, GenericAlias) else None


def setup(app: Sphinx) -> None:
    app.connect("autodoc-skip-member", skip_aliases)
