"""Words made safe for plotly, which reads tags, entities and templates in every text it draws.

This module must not know which figure a text is for.
"""

from __future__ import annotations

from typing import Final

from vecwise.table_text import clip

_WORD_JOINER: Final = "\u2060"  # invisible, and never a place to break a line


def shown(text: object, width: int = 200) -> str:
    """Give text that plotly's SVG shows literally: titles, ticks, legends, hover labels.

    `%{…}` is a template only in a hover template itself, never in the text that fills it.

    >>> shown("<b>5 & 6</b>")
    '&lt;b&gt;5 &amp; 6&lt;/b&gt;'
    """
    line = clip(text, width).replace("&", "&amp;")
    return line.replace("<", "&lt;").replace(">", "&gt;")


def shown_in_space(text: object, width: int = 60) -> str:
    """Give text that plotly's WebGL shows literally: axis titles of a 3-D scene.

    WebGL text knows tags and no entities, so an invisible character breaks the tags instead.

    >>> shown_in_space("a <b>") == "a <" + chr(0x2060) + "b>"
    True
    """
    return clip(text, width).replace("<", "<" + _WORD_JOINER)
