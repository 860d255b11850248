#!/usr/bin/env bash
# Sets twobar up in .venv: system libraries where that is allowed, Python packages, the project itself.
#
#   scripts/setup.sh core    what playing needs; torch only where there is a graphics card for it
#   scripts/setup.sh dev     what training, tests and benchmarks need too
#
# A second run that finds nothing new only compares a hash.  Variables it heeds:
#   PYTHON                 the interpreter to use (3.11 or newer)
#   TWOBAR_GPU=yes|no      whether there is a card that torch can use; it looks by itself where this is not set
#   TWOBAR_NO_SYSTEM=1     leave the system's packages alone
#   PIP_EXTRA_INDEX_URL    pip's own: another package index, for instance one with CPU builds of torch
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

part=${1:-core}
oldest=11 # of Python 3
newest_built=12 # python-rtmidi has ready builds up to here; a newer Python compiles it

say() { printf 'twobar: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

[[ $part == core || $part == dev ]] || { say "setup.sh takes core or dev, not '$part'"; exit 2; }

# -- which Python ------------------------------------------------------------------------------------

minor_of() { "$1" -c 'import sys; print(sys.version_info[1] if sys.version_info[0] == 3 else 0)' 2>/dev/null; }

# The first that is new enough and can make a virtual environment, else the first that is new enough.
find_python() {
    local candidate minor second=
    for candidate in ${PYTHON:-python3.12 python3.11 python3 python3.13 python3.14}; do
        minor=$(minor_of "$candidate") && [[ $minor =~ ^[0-9]+$ ]] || continue
        ((minor >= oldest)) || continue
        if can_make_venv "$candidate"; then
            echo "$candidate"
            return
        fi
        second=${second:-$candidate}
    done
    echo "$second"
}

can_make_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

# An NVIDIA card (with its own device, or by the driver's word, as under WSL) or an Apple processor.
find_card() {
    if [[ -n ${TWOBAR_GPU:-} ]]; then
        echo "$TWOBAR_GPU"
    elif compgen -G '/dev/nvidia[0-9]*' >/dev/null || nvidia-smi -L >/dev/null 2>&1 ||
        [[ $(uname -sm) == "Darwin arm64" ]]; then
        echo yes
    else
        echo no
    fi
}

# -- what is there already ---------------------------------------------------------------------------

fingerprint() {
    { cat pyproject.toml constraints.txt scripts/setup.sh; pwd; echo "card: $card"; } | sha256sum | cut -d' ' -f1
}

done_already() {
    local stamp
    for stamp in ".venv/.setup-$part" .venv/.setup-dev; do
        if [[ -f $stamp && $(<"$stamp") == "$print" ]]; then
            return 0
        fi
    done
    return 1
}

libraries() { PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null || true; }

# Prints what is missing, one per line: Debian's package, then what it is for.
missing() {
    [[ $(uname) == Linux ]] || return 0
    local known
    known=$(libraries)
    [[ $known == *libfluidsynth.so.* ]] || echo "libfluidsynth3 sound"
    [[ $known == *libasound.so.2* ]] || echo "$(alsa_package) MIDI keyboards"
    [[ $known == *libjack.so.0* ]] || echo "libjack-jackd2-0 JACK"
    if [[ $part == dev ]]; then
        command -v jackd >/dev/null || echo "jackd2 the driver tests"
        command -v jack_midi_clock >/dev/null || echo "jack-midi-clock the driver tests"
        command -v chromium >/dev/null || echo "chromium the tests of the page"
    fi
    if [[ $first == yes ]] && ! [[ -x .venv/bin/python ]]; then
        can_make_venv "$python" || echo "python3-venv the virtual environment"
    fi
    if [[ $first == yes ]] && (($(minor_of "$python") > newest_built)); then
        command -v g++ >/dev/null || echo "g++ building python-rtmidi"
        command -v pkg-config >/dev/null || echo "pkg-config building python-rtmidi"
        [[ -e $("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h ]] ||
            echo "python3-dev building python-rtmidi"
        [[ -e /usr/include/alsa/asoundlib.h ]] || echo "libasound2-dev building python-rtmidi"
        [[ -e /usr/include/jack/jack.h ]] || echo "libjack-jackd2-dev building python-rtmidi"
    fi
    return 0
}

# Debian 13 and Ubuntu 24.04 gave the package a new name.
alsa_package() {
    if command -v apt-cache >/dev/null && [[ -n $(apt-cache search --names-only '^libasound2t64$' 2>/dev/null) ]]; then
        echo libasound2t64
    else
        echo libasound2
    fi
}

# -- system packages ---------------------------------------------------------------------------------

as_root=()
may_install() {
    [[ -z ${TWOBAR_NO_SYSTEM:-} ]] && command -v apt-get >/dev/null || return 1
    if ((EUID == 0)); then
        as_root=(env DEBIAN_FRONTEND=noninteractive)
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        as_root=(sudo -n env DEBIAN_FRONTEND=noninteractive)
    else
        return 1
    fi
}

install_packages() {
    local log
    may_install || return 0
    say "installing system packages: $*"
    log=$(mktemp)
    if ! { "${as_root[@]}" apt-get update -q &&
        "${as_root[@]}" apt-get install -q -y --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null; then
        say "the system packages could not be installed: $(grep -E '^E:' "$log" | tail -n 1 || tail -n 1 "$log")"
    fi
    rm -f "$log"
}

system_packages() {
    local wanted
    wanted=$(missing)
    [[ -n $wanted ]] || return 0
    # shellcheck disable=SC2046  # one word per package
    install_packages $(cut -d' ' -f1 <<<"$wanted" | sort -u)
}

tell_missing() {
    local wanted packages reasons
    wanted=$(missing)
    [[ -n $wanted ]] || return 0
    packages=$(cut -d' ' -f1 <<<"$wanted" | sort -u | paste -sd' ')
    reasons=$(cut -d' ' -f2- <<<"$wanted" | sort -u | paste -sd, | sed 's/,/, /g')
    say "missing for $reasons: get it with 'sudo apt-get install $packages'; going on without"
}

# -- Python packages ---------------------------------------------------------------------------------

# torch for an ordinary Linux PC comes with several GB of CUDA unless an index offers a "+cpu" build.
torch_brings_cuda() {
    [[ $card == no && $(uname -sm) == "Linux x86_64" ]] || return 1
    .venv/bin/python -c 'import torch' 2>/dev/null && return 1
    local offered
    offered=$(.venv/bin/python -m pip index versions torch 2>/dev/null) || return 1
    [[ $offered != *+cpu* ]]
}

python_packages() {
    local extras='[page]' log
    if [[ $part == dev ]]; then
        extras="[dev]"
        if torch_brings_cuda; then
            say "torch comes with several GB of CUDA; to spare them, stop this, set PIP_EXTRA_INDEX_URL to an" \
                "index that has its CPU builds (see torch's own install page), and start again"
        fi
    elif [[ $card == yes ]]; then
        extras="[gpu,page]"
        say "there is a graphics card, so torch is installed too (TWOBAR_GPU=no leaves it out)"
    fi
    say "installing the Python packages into .venv (once; this takes some minutes)"
    log=$(mktemp)
    # hatchling and editables build the project itself: with them here, no second environment is made for it
    if ! {
        pip_install hatchling editables && pip_install --no-build-isolation --editable ".$extras"
    } >"$log" 2>&1 </dev/null; then
        { grep '^ERROR' "$log" || tail -n 5 "$log"; } | head -n 5 >&2
        fail "the Python packages could not be installed (all of what pip said: $log)"
    fi
    rm -f "$log"
    # pip would compile on one core; what does not compile is compiled when it is imported, or never
    .venv/bin/python -m compileall -q -j 0 .venv/lib >/dev/null 2>&1 </dev/null || true
}

pip_install() { .venv/bin/python -m pip install --no-input --no-compile -c constraints.txt "$@"; }

# -- the work ----------------------------------------------------------------------------------------

card=$(find_card)
[[ $card == yes || $card == no ]] || { say "TWOBAR_GPU is yes or no, not '$card'"; exit 2; }
print=$(fingerprint)
first=yes
if [[ -x .venv/bin/twobar ]] && done_already; then
    first=no
    tell_missing
    exit 0
fi

python=$(find_python)
if [[ -z $python && -z ${PYTHON:-} ]] && ! command -v python3 >/dev/null; then
    install_packages python3 python3-venv
    python=$(find_python)
fi
if [[ -z $python ]]; then
    fail "Python 3.$oldest or newer is needed, and there is $("${PYTHON:-python3}" --version 2>/dev/null || echo none);" \
        "install one, or name it: make jam PYTHON=/path/to/python3"
fi
system_packages
tell_missing
if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    can_make_venv "$python" ||
        fail "$python cannot make a virtual environment: get python3-venv ('sudo apt-get install python3-venv')"
    say "making the virtual environment .venv with $("$python" --version)"
    "$python" -m venv --clear .venv || fail "the virtual environment .venv could not be made"
fi
python_packages
echo "$print" >".venv/.setup-$part"
