"""Compiles the optional kernel of counting (`src/vecwise/kernels/*.c`) when a wheel is built and a C compiler is there.

Without a compiler, or where it fails, the wheel is pure Python and says so; nothing but speed is missing then.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FLAGS = ["-std=c11", "-O3", "-ffp-contract=off", "-fvisibility=default", "-shared", "-fPIC"]
TIMEOUT = 300  # seconds


class CompiledKernel(BuildHookInterface):  # type: ignore[misc]
    """Adds the shared library to a wheel, or to the source tree of an editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; on success the wheel is one for this platform, for any Python."""
        if self.target_name != "wheel":
            return
        folder = Path(self.root) / "src" / "vecwise" / "kernels"
        failure = compiled(sorted(folder.glob("*.c")), folder / "native.library")
        if failure:
            self.app.display_warning(f"vecwise is installed without its compiled kernel: {failure}.")
            return
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["artifacts"].append("src/vecwise/kernels/native.library")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"


def compiled(sources: list[Path], library: Path) -> str:
    """Make the library; an empty string, or why there is none. One that is there from before is replaced."""
    library.unlink(missing_ok=True)
    command = shlex.split(os.environ.get("CC", "cc"))
    if not command or not shutil.which(command[0]):
        return "no C compiler (`cc`) was found"
    made = library.with_suffix(f".{os.getpid()}")
    try:
        subprocess.run(
            [*command, *FLAGS, *map(str, sources), "-o", str(made), "-lm"],
            check=True,
            capture_output=True,
            timeout=TIMEOUT,
        )
        made.replace(library)
    except (OSError, subprocess.SubprocessError) as error:
        return f"`{command[0]}` failed ({type(error).__name__})"
    finally:
        made.unlink(missing_ok=True)
    return ""
