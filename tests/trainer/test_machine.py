"""The machine under a run: signals are heard and their handlers given back."""

import os
import signal

import pytest
import torch

from trainer.machine import device_and_precision, stop_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_sets_the_event_and_the_old_handler_comes_back(number: signal.Signals) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with stop_signals() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.wait(5)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_precision_that_was_asked_for_is_taken() -> None:
    assert device_and_precision("bfloat16")[1] == torch.bfloat16
    assert device_and_precision("float32")[1] == torch.float32
