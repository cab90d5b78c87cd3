"""What all tests share: quick, repeatable property tests, and real rows from the examples."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "vecwise",
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # Where a change is judged, the same examples every time; at home new ones, which find more.
    derandomize="VECWISE_REPEATABLE" in os.environ,
)
settings.load_profile("vecwise")

os.environ["VECWISE_TRACK"] = "0"  # tests of runs switch it on, into a folder of their own

EXAMPLES = Path(__file__).parent.parent / "examples"
VECWISE = str(Path(sys.executable).parent / "vecwise")
FIVE = [
    "We scanned the skies with rainbow eyes",
    "We looked up into the sky",
    "It was raining and I saw a rainbow",
    "This sentence should not be similar to anything",
    "Erer blafgfgh jnjnjn ououou kjnkjnk",
]


def choose_way(patch: pytest.MonkeyPatch, way: str, library: Callable[[], object]) -> None:
    """Go the way of NumPy, or that of a compiled kernel where it was built on installing."""
    patch.setenv("VECWISE_NATIVE", "0" if way == "numpy" else "1")
    if way != "numpy" and library() is None:
        assert "VECWISE_REQUIRE_NATIVE" not in os.environ, "the compiled kernel was not built"
        pytest.skip("the compiled kernel was not built: no C compiler was found on installing")


@pytest.fixture(scope="module", params=["numpy", "compiled"])
def way_of_counting(request):
    """Both ways of counting words, one after the other; the compiled one where it was built on installing."""
    from vecwise.kernels import native_counts

    with pytest.MonkeyPatch.context() as patch:
        choose_way(patch, request.param, native_counts.library)
        yield request.param


@pytest.fixture(scope="session")
def houses() -> pa.Table:
    import vecwise as vw

    return vw.read(EXAMPLES / "houses.csv")


@pytest.fixture(scope="session")
def lyrics() -> list[str]:
    return (EXAMPLES / "lyrics.txt").read_text(encoding="utf-8").splitlines()


def read_only(*shape: int, seed: int = 0, dtype: type = np.float64) -> np.ndarray:
    """Random numbers that fail loudly when a function writes into its input."""
    made = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    made.flags.writeable = False
    return made


@pytest.fixture
def file(tmp_path):
    """Writes a file and gives its path."""

    def made(content, name="rows.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return made


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder of runs of its own, in which runs are kept."""
    from vecwise.tracking import recorder

    monkeypatch.setenv("VECWISE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("VECWISE_TRACK", "1")
    monkeypatch.setattr(recorder, "_warned", [])
    return tmp_path / "runs"


Made = subprocess.CompletedProcess[str]


def program(*words: str, cwd: Path | None = None, text: str | None = None) -> Made:
    """Call the command line as a program, in a process of its own."""
    return subprocess.run(
        [VECWISE, *words], cwd=cwd, input=text, capture_output=True, text=True, timeout=120, check=False
    )


_NOT_SHOWN = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)  # by a program


def run(*words: str, cwd: Path | None = None, text: str = "") -> Made:
    """Call the command line in this process; tests/test_cli.py proves that it says and does what `program` does."""
    from vecwise.cli.app import _run, _warned

    given, out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(3))
    given.buffer.write(text.encode())
    given.buffer.seek(0)
    streams = {"argv": [VECWISE, *words], "stdin": given, "stdout": out, "stderr": err}
    with contextlib.chdir(cwd or "."), pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setenv("VECWISE_TRACK", os.environ["VECWISE_TRACK"])  # which `--no-track` changes
        for name, value in streams.items():
            patch.setattr(sys, name, value)
        warnings.resetwarnings()
        for kind in _NOT_SHOWN:
            warnings.simplefilter("ignore", kind)
        warnings.showwarning = _warned
        status = _run()
    for stream in (out, err):
        stream.flush()
    said, complained = (stream.buffer.getvalue().decode() for stream in (out, err))
    return subprocess.CompletedProcess(list(words), status, said, complained)


def check_refused(made: Made, *words: str) -> None:
    """One line that says what is wrong, and nothing else."""
    assert made.returncode == 2, made
    assert made.stdout == ""
    assert len(made.stderr.splitlines()) == 1, made.stderr
    assert made.stderr.startswith("vecwise: ")
    for word in words:
        assert word in made.stderr


def loaded_after(code: str) -> set[str]:
    """The packages that a fresh process has loaded after some code."""
    script = f"import sys; {code}; print('\\n'.join(sys.modules))"
    made = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {line.split(".")[0] for line in made.stdout.splitlines()}
