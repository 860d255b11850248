"""The commands of `twobar`: each parses, and hands over to what does the work.

Tested in tests/live/cli/test_group.py.
"""

from pathlib import Path
from typing import Any

import click

from live.cli.group import Begun, Group
from live.cli.offline.commands import COMMANDS
from live.cli.offline.parameters import NonEmptyPath
from model.version import VERSION

APIS = "auto|alsa|jack|coremidi|winmm"


@click.group(cls=Group, default="jam", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="twobar")
def twobar() -> None:
    """Play two bars on a MIDI keyboard and hear them answered.

    Without a command, `jam` is started.  Example: twobar jam --bpm 96 --mode answer
    """


@twobar.command()
@click.option("--config", type=NonEmptyPath(), metavar="FILE", help="Settings, a live.toml.")
@click.option("--headless", is_flag=True, help="No dashboard; ready lines on stdout.")
@click.option("--api", metavar=APIS, help="The system's MIDI driver.")
@click.option(
    "--in", "inputs", multiple=True, metavar="NAME|auto|virtual|none", help="Keyboard; may be repeated."
)
@click.option("--out", "outputs", multiple=True, metavar="NAME|virtual|fluidsynth|none",
              help="Where it plays; may be repeated.")  # fmt: skip
@click.option("--clock", metavar="internal|midi|mtc|link|jack", help="Whose beat it keeps.")
@click.option(
    "--clock-out", is_flag=True, default=None, help="Send MIDI clock, start, stop and song position."
)
@click.option("--bpm", metavar="N", help="Tempo, 30 to 300.")
@click.option("--metre", metavar="3/4|6/8|...", help="Of the music; the model's own by default, 4/4.")
@click.option("--phrase", metavar="auto|1|2|4|8", help="Bars of a phrase; the model's own by default, 2.")
@click.option("--model", metavar="NAME|PATH", help="A shipped model or a checkpoint.")
@click.option("--device", metavar="auto|cpu|cuda|mps", help="What computes the model.")
@click.option("--candidates", metavar="auto|N", help="Answers of which one is chosen, 1 to 256.")
@click.option("--mapping", metavar="auto|NAME|PATH", help="A controller's mapping.")
@click.option("--mode", metavar="follow|answer|hold|drift|listen", help="How it listens and plays.")
@click.option("--key", metavar="auto|off|KEY", help="What answers keep to, such as 'D minor'.")
@click.option("--vary", metavar="V", help="How much of an answer is new, 0 to 1; .35 in answer.")
@click.option("--chords", metavar="auto|CHORDS", help="What the band plays, a chord a bar: 'C Am F G'.")
@click.option("--thru/--no-thru", default=None, help="Whether your keys sound through it.")
@click.option("--seed", metavar="N", help="Of every random choice.")
@click.option("--temperature", metavar="T", help="Chance in the choice of notes, 0 to 1.")
@click.option("--soundfont", metavar="FILE.sf2", help="What FluidSynth plays with.")
@click.option("--osc-port", metavar="N", help="UDP port for OSC; 0 takes any.")
@click.option("--page", is_flag=False, flag_value="", metavar="[HOST:PORT]",
              help="Serve a page for phone, tablet, second screen.")  # fmt: skip
@click.option("--duration", type=float, metavar="SECONDS", help="End by itself.")
@click.option("--log", type=NonEmptyPath(), metavar="FILE.jsonl", help="Write the event log.")
@click.option("--record", type=NonEmptyPath(), metavar="FILE.mid", help="Write the take here.")
@click.option(
    "--session", metavar="NAME", help="Go on with this session, or begin it; it is saved by itself."
)
@click.option("--fresh", is_flag=True, help="Begin the session clean; the old one is put aside.")
@click.option("--demo", is_flag=True, help="Play a tune into it as if someone played.")
@click.pass_obj
def jam(begun: Begun | None, /, **arguments: Any) -> int:  # noqa: ANN401  click's own
    """Jam: play, and it answers.

    Example: twobar jam --in "MPK mini" --out fluidsynth --bpm 110 --mode follow
    """
    begun = begun or Begun.now()
    begun.signals.install()  # where `main` could not see that this is a jam
    from live.cli.jam import jam as play  # noqa: PLC0415  other commands do not wait for it

    return play(arguments, begun=begun, signals=begun.signals)


@twobar.command()
@click.option("--api", default="auto", metavar=APIS, help="The system's MIDI driver.")
def ports(api: str) -> int:
    """List the MIDI ports there are.

    Example: twobar ports --api alsa
    """
    from live.devices.systems import inputs, outputs  # noqa: PLC0415  only this command needs a driver

    for title, names in (("in", inputs(api)), ("out", outputs(api))):
        click.echo(f"{title}:")
        for name in names or ["(none)"]:
            click.echo(f"  {name}")
    return 0


@twobar.command()
@click.option("--calibrate", is_flag=True, help="Find out how late your keys arrive: tap with the clicks.")
@click.option(
    "--measure", is_flag=True, help="Find out how late this computer is and how long each model takes: 10 s."
)
@click.option("--in", "source", default="auto", metavar="NAME", help="Where you tap.")
@click.option("--out", "sink", default="fluidsynth", metavar="NAME", help="Where the clicks sound.")
@click.option("--api", default="auto", metavar=APIS, help="The system's MIDI driver.")
def doctor(*, calibrate: bool, measure: bool, source: str, sink: str, api: str) -> int:
    """Tell what is there, what is missing, whether this computer is fit, and what to do.

    Example: twobar doctor --measure
    """
    if calibrate:
        from live.cli.diagnostics import calibrate as calibration  # noqa: PLC0415  it needs a driver

        click.echo(f"tap a key with the clicks, {calibration.CLICKS} of them; the first few are to listen")
        click.echo(calibration.calibrate(source, sink, api=api).text)
        return 0
    from live.cli.diagnostics.doctor import examine  # noqa: PLC0415  it looks at everything

    rows = examine(measure=measure)
    for row in rows:
        click.echo(f"{'ok' if row.ok else row.otherwise:7} {row.what}: {row.text}")
        if row.fix:
            click.echo(f"        {row.fix}")
    return 0 if all(row.ok or not row.needed for row in rows) else 1


@twobar.command()
@click.option(
    "--out", type=NonEmptyPath(), metavar="FILE.toml", help="Write it there; into your own folder by default."
)
def config(out: Path | None) -> int:
    """Write a live.toml to edit: every setting with its default and a line about it.

    Example: twobar config
    """
    from live.cli.config import write  # noqa: PLC0415  only this command needs the settings

    click.echo(write(out))
    return 0


@twobar.command()
def sessions() -> int:
    """List the sessions that were saved.

    Example: twobar sessions
    """
    from live.cli.sessions import listed  # noqa: PLC0415  only this command needs them

    for line in listed():
        click.echo(line)
    return 0


@twobar.command()
@click.option("--end", is_flag=True, help="End it instead: every note off, files closed.")
@click.option("--pid", type=click.IntRange(1), metavar="N", help="Of several, the one of this process.")
def attach(*, end: bool, pid: int | None) -> int:
    """Open a dashboard on an instrument that plays already.

    Example: twobar attach
    """
    from live.cli.jam import attach as open_dashboard  # noqa: PLC0415  see jam

    return open_dashboard(end=end, pid=pid)


@twobar.command()
@click.argument("folders", nargs=-1, type=NonEmptyPath(), metavar="[FOLDER...]")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with every figure.")
def models(*, folders: tuple[Path, ...], as_json: bool) -> int:
    """List the models that there are: shipped, in your folder, in folders of runs (./runs by default).

    Example: twobar models runs
    """
    from live.cli.models import listing  # noqa: PLC0415  only this command reads headers

    click.echo(listing(folders, as_json=as_json))
    return 0


@twobar.command()
@click.argument("targets", nargs=-1, metavar="[KNOB|ACTION]...")
@click.option("--in", "source", default="auto", metavar="NAME|auto", help="The controller; auto is any.")
@click.option("--api", default="auto", metavar=APIS, help="The system's MIDI driver.")
@click.option("--mapping", default="auto", metavar="auto|NAME|PATH", help="The mapping that it goes into.")
@click.option("--list", "listed", is_flag=True, help="List all that can be learned.")
def learn(*, targets: tuple[str, ...], source: str, api: str, mapping: str, listed: bool) -> int:
    """Learn what a control does: name it, then touch the control.

    Example: twobar learn density "capture A"
    """
    from live.cli import learn as lessons  # noqa: PLC0415  it needs a driver

    if listed:
        for line in lessons.listing():
            click.echo(line)
        return 0
    lessons.check(targets)
    wanted = targets or lessons.asked(click.echo, lessons.from_terminal)
    lessons.learn(wanted, source=source, api=api, mapping=mapping, say=click.echo)
    return 0


@twobar.command()
@click.option(
    "--model", default="keys", metavar="NAME|PATH", help="A shipped model or a checkpoint; keys by default."
)
@click.option(
    "--page", default="", metavar="HOST:PORT", help="Where it is served; 127.0.0.1:9080 by default."
)
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", help="Only the port; 0 takes any.")
@click.option("--open/--no-open", "show", default=True, help="Open it in your browser.")
@click.pass_obj
def explore(begun: Begun | None, /, *, model: str, page: str, port: int | None, show: bool) -> int:
    """Explore a latent space in your browser: a map to hear, samples, and the way between two .mid files.

    Example: twobar explore --model multitrack
    """
    from live.page.explore import explore as serve_explorer  # noqa: PLC0415  only this command serves it

    start_nanos = (begun or Begun.now()).start_nanos
    return serve_explorer(model, page, port, show=show, start_nanos=start_nanos)


for offline_command in COMMANDS:
    twobar.add_command(offline_command)
