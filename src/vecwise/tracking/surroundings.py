"""Where a run took place: Python and its packages, the machine, the threads, and the code as git has it.

This module must not know runs. Variables of the environment are never recorded, but for the counts of threads.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vecwise.engines.local import cores
from vecwise.tracking.redaction import clean_text

# What decides about numbers; of each only the version is noted, and only of those that were loaded.
_PACKAGES: Final = (
    *(
        "vecwise",
        "numpy",
        "scipy",
        "sklearn",
        "pyarrow",
        "pandas",
        "polars",
        "plotly",
        "sentencepiece",
        "torch",
    ),
    *("transformers", "tokenizers", "onnxruntime", "PIL", "umap", "numba", "usearch", "faiss"),
)
_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_MOST_DIFF: Final = 1 << 20  # bytes
_PATIENCE: Final = 5.0  # seconds for git: a run does not fail, nor wait long, because git is slow


def environment() -> dict[str, Any]:
    """Give Python, packages that are loaded, the machine and the counts of threads."""
    # Asked of the modules themselves: `importlib.metadata` takes 20 ms to load.
    versions = {name: getattr(sys.modules.get(name), "__version__", None) for name in _PACKAGES}
    system = os.uname() if hasattr(os, "uname") else None
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": f"{system.sysname} {system.release}" if system else sys.platform,
        "machine": system.machine if system else platform.machine(),
        "cores": cores(),
        "threads": {name: os.environ[name] for name in _THREADS if os.environ.get(name, "").isdigit()},
        "packages": {name: str(found) for name, found in versions.items() if found is not None},
    }


@dataclass(frozen=True, slots=True)
class Code:
    """The commit of the folder's repository, and how the files differ from it; None where there is no git."""

    commit: str
    branch: str
    dirty: bool
    diff: str  # cut at a megabyte, and without secrets


class CodeQuestion:
    """Asks git about a folder while the work goes on; `answer` waits for what is not there yet."""

    def __init__(self, folder: Path) -> None:
        self._asked: list[subprocess.Popen[bytes] | None] = [
            _git(folder, "rev-parse", "HEAD", "--abbrev-ref", "HEAD"),
            _git(folder, "status", "--porcelain", "--untracked-files=no"),
        ]
        self._folder = folder

    def drop(self) -> None:
        """Stop asking: nobody will hear the answer."""
        for asked in self._asked:
            if asked is not None:
                asked.kill()
                asked.communicate()

    def answer(self) -> Code | None:
        """Give the state of the code as it was asked for, or None."""
        head, status = (_said(asked) for asked in self._asked)
        if head is None or status is None:
            return None
        names = head.decode("utf-8", "replace").split()
        if len(names) < 2:
            return None
        diff = b""
        if status.strip():
            diff = (
                _said(_git(self._folder, "diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv"))
                or b""
            )
        text = clean_text(diff[:_MOST_DIFF].decode("utf-8", "replace"))
        return Code(names[0], names[1], bool(status.strip()), text)


def _git(folder: Path, *words: str) -> subprocess.Popen[bytes] | None:
    # No pager, no prompt, no hooks of the repository: looking must run nothing that a folder brings along.
    settings = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "diff.external=")
    try:
        return subprocess.Popen(  # noqa: S603
            ["git", "-C", str(folder), *settings, *words],  # noqa: S607
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
        )
    except OSError:
        return None


def _said(asked: subprocess.Popen[bytes] | None) -> bytes | None:
    if asked is None:
        return None
    try:
        said, _ = asked.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        asked.kill()
        asked.communicate()
        return None
    return said if asked.returncode == 0 else None


def peak_memory() -> int | None:
    """Give the most memory this process held, in bytes, where the system tells."""
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def process_mark(pid: int | None = None) -> str:
    """Tell this start of this process from any other that gets its number: the moment it was started."""
    with suppress(OSError, IndexError):
        text = Path(f"/proc/{pid or os.getpid()}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}-{text.rpartition(')')[2].split()[19]}"
    return ""
