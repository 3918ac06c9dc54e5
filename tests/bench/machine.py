"""The facts of the machine that figures were measured on."""

import os
import platform
from pathlib import Path
from typing import Any

import psutil

from tests.bench.figures import Figure


def facts() -> dict[str, Any]:
    """Processor, memory, system, Python, and how busy the machine was with other things."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_1_min": round(os.getloadavg()[0], 2),
    }


def processor_s() -> tuple[float, float]:
    """Seconds of all processors that the host gave to other machines, and all seconds, since this one began."""
    times = psutil.cpu_times()
    return getattr(times, "steal", 0.0), sum(times)


def stolen_since(before: tuple[float, float]) -> Figure:
    """What the host took away meanwhile: delays of the clock are no better than that."""
    stolen_s, all_s = (now - then for now, then in zip(processor_s(), before, strict=True))
    return Figure("processors taken by the host's other machines", 100 * stolen_s / max(all_s, 1e-9), "%", None, "lower")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
