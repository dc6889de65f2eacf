"""Where numbers are computed and how precisely: the one place that asks the hardware."""

import os
import platform
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import torch

CHOICES = ("auto", "cpu", "cuda", "mps")
"""What a command line may ask for; "mps" is Apple's GPU, on which nothing here was tried."""


@dataclass(frozen=True)
class Device:
    """A device and the precision of the products on it.

    Attributes:
        name: "cpu", "cuda" or "mps", as torch calls it.
        precision: "bfloat16" where the hardware multiplies it, else "float32", as on "mps". It holds for what is large
            and forgiving, inside ``autocast``: training, embedding whole corpora, and the faces of somebody who waits
            for a verdict.
    """

    name: str
    precision: str

    def autocast(self) -> AbstractContextManager:
        """Runs what is inside in ``precision``."""
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(self.name, torch.bfloat16)

    @property
    def reads_in_half(self) -> bool:
        """Whether Whisper reads words in float16, which it was made for: on a GPU, for somebody who waits."""
        return self.name == "cuda" and self.precision != "float32"

    def __str__(self) -> str:
        """For provenance: "cuda (NVIDIA H100), bfloat16" or "cpu (AMD EPYC), float32, 1 thread"."""
        if self.name == "cuda":
            return f"cuda ({torch.cuda.get_device_name()}), {self.precision}"
        if self.name == "mps":
            return f"mps ({processor()}), {self.precision}"
        threads = torch.get_num_threads()
        return f"cpu ({processor()}), {self.precision}, {threads} thread{'s' if threads > 1 else ''}"


def choose_device(wanted: str = "auto") -> Device:
    """The device asked for; "auto" is "cuda" where there is such a GPU, else "cpu".

    "mps" is taken only when it is asked for by name: no verdict was ever compared on it, and it has no float64.

    Raises:
        ValueError: a GPU was asked for that is not there.
    """
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise ValueError("No GPU was found; use --device cpu or auto.")
    if wanted == "mps":
        if not torch.backends.mps.is_available():
            raise ValueError("No GPU of Apple's was found; use --device cpu or auto.")
        return Device("mps", "float32")
    if wanted == "cpu" or not there:
        return Device("cpu", "bfloat16" if _cpu_multiplies_bfloat16() else "float32")
    # TensorFloat-32 would make a GPU's float32 coarser than a processor's.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    return Device("cuda", "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32")


def to_device(tensor: torch.Tensor, device: str) -> torch.Tensor:
    """A tensor on a device; float64 becomes float32 on "mps", which has none."""
    return tensor.to(device, torch.float32 if device == "mps" and tensor.dtype == torch.float64 else None)


_sharing = threading.Lock()
_shares: list[int] = []  # how many threads torch had before each share that is taken
_share: ContextVar[int | None] = ContextVar("share", default=None)  # threads of the share around, if there is one


@contextmanager
def share_of_cores(stages: int) -> Iterator[None]:
    """Gives the calling thread its share of the processor while ``stages`` of them compute at the same time.

    Left alone, each stage starts as many threads as there are cores, and they wait for each other. A share within
    another, in the same thread or one that runs in a copy of its context, never has more threads than that one, which
    has its own again afterwards. Torch keeps the number for each thread and a default for new ones; both are what they
    were before anybody shared once nobody does.
    """
    around = _share.get()
    with _sharing:
        whole = _shares[0] if _shares else torch.get_num_threads()
        _shares.append(whole)
        mine = max(1, min(around or whole, (os.cpu_count() or 1) // stages))
        torch.set_num_threads(mine)
    token = _share.set(mine)
    try:
        yield
    finally:
        _share.reset(token)
        with _sharing:
            _shares.pop()
            # The last one to go restores all of it, even if the share around it has ended first, in another thread.
            torch.set_num_threads((around if _shares else None) or whole)


def one_thread() -> AbstractContextManager:
    """For work so small that threads would wait for each other longer than they compute.

    Where something else runs as well, a browser on the same machine say, they wait for the core it has, and burn the
    other one: a face took ten times the processor time.
    """
    return share_of_cores(os.cpu_count() or 1)


def _cpu_multiplies_bfloat16() -> bool:
    """Whether the processor has instructions for it: emulated, a face encoder is 25 times slower than in float32."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def processor() -> str:
    """The processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
