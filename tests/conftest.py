"""What all tests share: quick, repeatable property tests, and real rows from the examples."""

from __future__ import annotations

import os
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
FIVE = [
    "We scanned the skies with rainbow eyes",
    "We looked up into the sky",
    "It was raining and I saw a rainbow",
    "This sentence should not be similar to anything",
    "Erer blafgfgh jnjnjn ououou kjnkjnk",
]


@pytest.fixture(scope="module", params=["numpy", "compiled"])
def way_of_counting(request):
    """Both ways of counting words, one after the other; the compiled one where it was built on installing."""
    from vecwise.kernels import native_counts

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VECWISE_NATIVE", "0" if request.param == "numpy" else "1")
        if request.param == "compiled" and native_counts.library() is None:
            assert "VECWISE_REQUIRE_NATIVE" not in os.environ, "the compiled kernel was not built"
            pytest.skip("the compiled kernel was not built: no C compiler was found on installing")
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
