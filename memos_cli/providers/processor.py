"""What the processor is good at, as far as it decides which form of a model to run.

Owns: that one question. Does not own: the models.
"""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


@cache
def multiplies_bytes() -> bool:
    """Whether 8-bit products are faster than float32 ones here.

    They are where one instruction sums them up (VNNI on x86, dot products on ARM); on other x86
    processors (AMD before Zen 4, Intel before Ice Lake) float32 is twice as fast. Where the system does
    not tell, it is taken to be so.
    """
    if platform.machine().lower() not in {"x86_64", "amd64"} or not CPUINFO.is_file():
        return True
    lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    flags = next((line for line in lines if line.startswith("flags")), "vnni")
    return "vnni" in flags
