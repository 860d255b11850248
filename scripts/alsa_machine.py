"""A machine with ALSA's sequencer, for a command of this repository: `python -m scripts.alsa_machine`.

Containers and most servers have no /dev/snd/seq.  This boots a kernel that has one in QEMU, with the files of
this machine for reading and a temporary folder for writing, runs a command there and ends with its status.
Its time goes by its own instructions, one a nanosecond, so what is measured there does not depend on how busy
this machine is.

    apt-get install qemu-system-x86 busybox-static cpio kmod
    dpkg-deb -x linux-image-VERSION.deb kernel     # a distribution's kernel
    python -m scripts.alsa_machine --kernel kernel python -m pytest tests/drivers/test_ports_alsa.py

Tested in tests/test_alsa_machine.py.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

MODULES = (
    "virtio_pci", "9pnet_virtio", "9p",
    "snd-seq", "snd-seq-midi", "snd-seq-dummy", "snd-virmidi", "snd-hrtimer",
)  # fmt: skip
MEMORY_MIB = 3072
_MOUNT = "mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000"
_TOOLS = ("qemu-system-x86_64", "busybox", "modprobe", "depmod", "cpio")


def modules_of(kernel: Path, release: str) -> list[Path]:
    """Return the files of the modules that the machine needs, each after those that it rests on."""
    _run("depmod", "-b", str(kernel), release)
    found: dict[Path, None] = {}
    for name in MODULES:
        listed = _run("modprobe", "-d", str(kernel), "-S", release, "--show-depends", name)
        for line in listed.splitlines():
            kind, _, path = line.partition(" ")
            if kind == "insmod":
                found[Path(path.split()[0])] = None
    return list(found)


def _run(*command: str, text: str = "", folder: Path | None = None) -> str:
    """Run one of our own commands, which reads a text; returns what it writes."""
    done = subprocess.run(  # noqa: S603
        command, input=text, cwd=folder, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def init_script(modules: Sequence[str], command: Sequence[str], folder: Path) -> str:
    """Return the machine's first program: it loads the modules, mounts, runs the command and switches off.

    Args:
        modules: names of files in /modules, in the order of loading.
        command: to be run in
        folder: of this machine.
    """
    words = {"PATH": os.environ["PATH"], "HOME": "/tmp/home", "PYTHONDONTWRITEBYTECODE": "1"}  # noqa: S108  the guest's own
    words["PYTEST_ADDOPTS"] = "-p no:cacheprovider"
    setting = " ".join(f"{name}={shlex.quote(value)}" for name, value in words.items())
    inside = f"mkdir -p /tmp/home; cd {shlex.quote(str(folder))}; {setting} {shlex.join(command)}"
    load = "\n".join(f"insmod /modules/{name}" for name in modules)
    return f"""#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc; mount -t devtmpfs dev /dev; mount -t sysfs sys /sys
{load}
{_MOUNT},ro,cache=loose files /new
for name in proc dev sys; do mount --move /$name /new/$name; done
for name in tmp run dev/shm; do mkdir -p /new/$name; mount -t tmpfs $name /new/$name; done
mkdir /new/tmp/status; {_MOUNT},rw,cache=none status /new/tmp/status
ip link set lo up
chroot /new /bin/sh -c {shlex.quote(inside)} < /new/dev/null > /new/dev/ttyS0 2>&1
echo $? > /new/tmp/status/status
echo o > /new/proc/sysrq-trigger
sleep 10
"""


def machine(image: Path, ramdisk: Path, status: Path) -> list[str]:
    """Return the command that starts it; its console is standard output."""
    files = "security_model=none,readonly=on,multidevs=remap"
    return [
        "qemu-system-x86_64", "-accel", "tcg,thread=single", "-icount", "shift=0,sleep=on", "-cpu", "max",
        "-m", str(MEMORY_MIB), "-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot",
        "-kernel", str(image), "-initrd", str(ramdisk),
        "-append", "console=ttyS0 panic=-1 quiet mitigations=off",
        "-virtfs", f"local,path=/,mount_tag=files,{files}",
        "-virtfs", f"local,path={status},mount_tag=status,security_model=none",
    ]  # fmt: skip


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--kernel", type=click.Path(path_type=Path, exists=True), required=True, help="An unpacked package."
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def main(kernel: Path, command: tuple[str, ...]) -> None:
    """Run a command in a machine that has ALSA's sequencer."""
    missing = [name for name in _TOOLS if shutil.which(name) is None]
    if missing:
        raise click.ClickException(f"not installed: {', '.join(missing)}")
    images = sorted(kernel.glob("boot/vmlinuz-*"))
    if not images:
        raise click.ClickException(f"there is no boot/vmlinuz-* in {kernel}")
    release = images[-1].name.removeprefix("vmlinuz-")
    with tempfile.TemporaryDirectory() as folder:
        root, status = Path(folder, "root"), Path(folder, "status")
        for name in ("bin", "modules", "new", "proc", "dev", "sys"):
            (root / name).mkdir(parents=True)
        status.mkdir()
        modules = modules_of(kernel, release)
        for path in [Path(shutil.which("busybox") or ""), *modules]:
            shutil.copy(path, root / ("modules" if path in modules else "bin"))
        init = root / "init"
        init.write_text(init_script([path.name for path in modules], command, Path.cwd()))
        init.chmod(0o755)
        names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
        ramdisk = Path(folder, "ramdisk")
        _run("cpio", "-o", "-H", "newc", "--quiet", "-O", str(ramdisk), text=names, folder=root)
        subprocess.run(machine(images[-1], ramdisk, status), stdin=subprocess.DEVNULL, check=True)  # noqa: S603
        told = status / "status"
        sys.exit(int(told.read_text()) if told.exists() else 1)


if __name__ == "__main__":
    main()
