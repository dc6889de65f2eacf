"""One place decides where and how precisely numbers are computed, by what the hardware can do."""

import threading
from contextvars import copy_context

import pytest
import torch

from core import device as devices
from core.device import Device, choose_device, one_thread, share_of_cores
from core.encoders.speech import Listener


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [
        ({"avx2": True, "avx512_f": True}, "float32"),
        ({"avx2": True, "avx512_bf16": True}, "bfloat16"),
        ({"amx_bf16": True}, "bfloat16"),
        ({"neon": True, "bf16": True}, "bfloat16"),
        ({"neon": True, "bf16": False}, "float32"),
    ],
)
def test_a_processor_without_bfloat16_is_not_asked_for_it(monkeypatch, capabilities, precision):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert choose_device("cpu") == Device("cpu", precision)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_products_have_the_precision_of_the_device(precision):
    a = torch.ones(4, 4)
    with Device("cpu", precision).autocast():
        assert str((a @ a).dtype) == f"torch.{precision}"
    assert (a @ a).dtype == torch.float32


def test_a_missing_gpu_is_said_and_auto_does_without(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="No GPU was found"):
        choose_device("cuda")
    assert choose_device("auto").name == "cpu"


def test_apples_gpu_is_taken_when_asked_for_and_only_then(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(devices, "processor", lambda: "Apple M2")
    found = choose_device("mps")
    assert found == Device("mps", "float32") and str(found) == "mps (Apple M2), float32"
    with found.autocast():  # nothing is asked of the device
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    assert choose_device("auto").name == "cpu", "no verdict was ever compared there"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match="No GPU of Apple's was found"):
        choose_device("mps")


def test_apples_gpu_gets_no_float64(monkeypatch):
    """What is taught is float64 on the processor, and no tensor of it may reach a device that has none."""
    sent = []
    monkeypatch.setattr(torch.Tensor, "to", lambda self, device, dtype=None: sent.append((device, dtype)) or self)
    for dtype in (torch.float64, torch.float32, torch.int64):
        devices.to_device(torch.ones(2, dtype=dtype), "mps")
    devices.to_device(torch.ones(2, dtype=torch.float64), "cuda")
    assert sent == [("mps", torch.float32), ("mps", None), ("mps", None), ("cuda", None)]


def test_whisper_stays_off_apples_gpu():
    """It needs sparse tensors and float64: a listener asked for "mps" would fail at its first word."""
    listener = Listener(device="mps")
    assert listener.model.device.type == listener.transcriber.device.type == "cpu"


def test_words_are_read_in_half_precision_on_a_gpu_for_somebody_who_waits():
    found = {(name, precision): Device(name, precision).reads_in_half for name in ("cpu", "cuda", "mps")
             for precision in ("float32", "bfloat16")}  # fmt: skip
    assert {key for key, half in found.items() if half} == {("cuda", "bfloat16")}


def test_provenance_names_processor_precision_and_threads(monkeypatch):
    monkeypatch.setattr(devices, "processor", lambda: "Some Processor")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert str(Device("cpu", "float32")) == "cpu (Some Processor), float32, 1 thread"
    assert choose_device("cpu").name == "cpu" and devices.processor()


def test_what_is_computed_agrees_on_every_device(analyzer, device):
    """A model moved to each device that is there says the same of the same crops."""
    crops = torch.randint(0, 255, (3, 48, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    encoder = analyzer.checkpoint.encoders.face
    with torch.inference_mode():
        here = encoder.embed(crops)
        there = encoder.to(device.name).embed(crops.to(device.name)).cpu()
    encoder.cpu()
    torch.testing.assert_close(there, here, rtol=1e-4, atol=1e-4)


def in_thread(function, *arguments):
    """What a function answers in a thread of its own."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(function(*arguments)))
    thread.start()
    thread.join()
    return answers[0]


@pytest.fixture
def eight_cores(monkeypatch):
    """Torch computes with eight threads on a processor of as many cores."""
    before = torch.get_num_threads()
    monkeypatch.setattr(devices.os, "cpu_count", lambda: 8)
    torch.set_num_threads(8)
    yield
    torch.set_num_threads(before)


def threads_within(stages: int) -> int:
    with share_of_cores(stages):
        return torch.get_num_threads()


def test_a_share_within_a_share_is_no_larger_and_gives_the_outer_one_back(eight_cores):
    with share_of_cores(2):
        assert torch.get_num_threads() == 4
        assert threads_within(1) == 4, "no more than the share around it"
        assert torch.get_num_threads() == 4
        with share_of_cores(4):
            assert torch.get_num_threads() == 2
            with one_thread():
                assert torch.get_num_threads() == 1
            assert torch.get_num_threads() == 2
        assert torch.get_num_threads() == 4
        context = copy_context()
        assert in_thread(context.run, threads_within, 1) == 4, "a thread that works for this one"
        assert in_thread(context.run, threads_within, 8) == 1
        assert in_thread(threads_within, 1) == 8, "a thread that works for somebody else"
        assert torch.get_num_threads() == 4
    assert torch.get_num_threads() == in_thread(torch.get_num_threads) == 8


def test_the_last_share_restores_everything_whichever_ends_last(eight_cores):
    entered, leave = threading.Event(), threading.Event()

    def outlast():
        with share_of_cores(8):
            entered.set()
            leave.wait(10)

    with share_of_cores(2):
        thread = threading.Thread(target=copy_context().run, args=(outlast,))
        thread.start()
        assert entered.wait(10)
    leave.set()
    thread.join()
    assert torch.get_num_threads() == in_thread(torch.get_num_threads) == 8
