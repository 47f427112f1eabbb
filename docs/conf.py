"""Sphinx's configuration: `make docs` builds the site in build/docs, without a network."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "levit-mobile"
author = "the authors of levit-mobile"
copyright = author
version = release = installed("levit-mobile")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_design",
    "sphinxcontrib.typer",
    "schema_fields",
    "repository_links",
]
exclude_patterns = ["_ext"]
highlight_language = "text"  # code blocks without a language are shell calls and listings
smartquotes_action = "D"  # dashes only, as between an argument and its meaning
default_role = "literal"  # docstrings write code in single backticks, as Markdown does
nitpicky = True
# Names of other projects have no page here, unless intersphinx below knows where it is.
nitpick_ignore_regex = [("py:.*", r"(?!levit_mobile\.).*"), ("py:.*", r".*\._\w+")]
nitpick_ignore = [("py:class", "levit_mobile.model.stated.Stated")]  # read by CheckpointConfig.spec alone
# Two types have fields of one name, such as `bytes`, which is a builtin too.
suppress_warnings = ["ref.python"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

# Links to the pages of other projects need a network, so they are made only on request.
if os.environ.get("LEVIT_MOBILE_DOCS_INTERSPHINX"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "torch": ("https://docs.pytorch.org/docs/stable", None),
    }

html_theme = "pydata_sphinx_theme"
html_title = "levit-mobile"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "show_prev_next": True,
    "navbar_align": "left",
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
