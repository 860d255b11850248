"""Starting the model process; imports nothing that is slow, so that the engine may do it too."""

import os
import subprocess
import sys

import msgspec

from live.link import Address

ADDRESS_VARIABLE = "TWOBAR_ENGINE"
MODEL_VARIABLE = "TWOBAR_MODEL"


def spawn_worker(address: Address, model: str) -> "subprocess.Popen[bytes]":
    """Start a model process for the engine at an address."""
    environment = {
        **os.environ,
        ADDRESS_VARIABLE: msgspec.json.encode(address).decode(),
        MODEL_VARIABLE: model,
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "live.worker"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
