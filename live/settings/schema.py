"""What a performer may set in live.toml: names, ranges, and defaults that are good enough for a stage.

Levels are 0..1, times milliseconds, channels 1..16.
Tested in tests/live/settings/test_config.py.
"""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from live.settings.knobs import KNOBS, MOST_SCENES, Mode
from model.music.lines import LINE
from model.music.tracks import TRACKS

AUTO, OFF = "auto", "off"
SYNTH = "fluidsynth"  # of outputs: the one inside


AS_PLAYED = "as played"  # of a key: the pitch classes of what was played, and no others


Channel = Annotated[int, Meta(ge=1, le=16)]


Program = Annotated[int, Meta(ge=0, le=127)]


Level = Annotated[float, Meta(ge=0.0, le=1.0)]


Text = Annotated[str, Meta(min_length=1)]


OutputLatency = Annotated[float, Meta(ge=0.0, le=500.0)]


ClockOffset = Annotated[float, Meta(ge=-100.0, le=100.0)]


Ahead = Literal["auto", "on", "off"]
Api = Literal["auto", "alsa", "jack", "coremidi", "winmm"]


ClockName = Literal["internal", "midi", "mtc", "link", "jack"]


Device = Literal["auto", "cpu", "cuda", "mps"]


Candidates = Annotated[int, Meta(ge=1, le=256)] | Literal["auto"]


PartName = Literal["melody", "chords", "bass", "drums"]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all sections."""


class JamSettings(Section, frozen=True):
    """[jam]: how it plays.

    Attributes:
        mode: follow, answer, hold, drift or listen.
        model: a shipped model's name or the path of a checkpoint.
        bpm: tempo in beats per minute, within the range of its knob.
        metre: of the music, as "3/4"; auto is the model's own.
        phrase_bars: that are taken up as one phrase: 1, 2, 4, 8; auto is as many as the model's have.
        horizon_bars: how many bars the plan holds ahead, 1..8.
        seed: of every random choice; the same seed, input and knobs give the same notes.
        vary: where its knob starts, 0..1; auto is .35 in mode answer and 0 in the others.
        temperature: where its knob starts; 0 is deterministic.
        metronome: whether it clicks on every beat.
        count_in_bars: bars of clicks before bar 0; auto is one where the metronome is on, else none.
        start: auto is as soon as the model is there; or with the first note that the performer plays.
        thru: whether the performer's keys sound through the instrument.
        record: whether a take is written.
        take_folder: where takes go; `~` is the home folder.
    """

    mode: Mode = "follow"
    model: Text = "keys"
    bpm: Annotated[float, Meta(ge=KNOBS["tempo"].low, le=KNOBS["tempo"].high)] = KNOBS["tempo"].rest
    metre: Text = AUTO
    phrase_bars: Literal["auto", 1, 2, 4, 8] = "auto"
    horizon_bars: Annotated[int, Meta(ge=1, le=8)] = 2
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 0
    vary: Level | Literal["auto"] = "auto"
    temperature: Level = 0.0
    metronome: bool = False
    count_in_bars: Annotated[int, Meta(ge=0, le=4)] | Literal["auto"] = "auto"
    start: Literal["auto", "first note"] = "auto"
    thru: bool = True
    record: bool = True
    take_folder: Text = "takes"

    def count_in(self, *, metronome: bool) -> int:
        """Return the bars of the count-in, by whether the metronome is on."""
        return int(metronome) if isinstance(self.count_in_bars, str) else self.count_in_bars

    @property
    def bars(self) -> int:
        """The bars of a phrase; 0 for as many as the model's have."""
        return 0 if self.phrase_bars == AUTO else int(self.phrase_bars)

    @property
    def take_path(self) -> Path:
        """The take folder as a path, `~` resolved."""
        return Path(self.take_folder).expanduser()


class ModelSettings(Section, frozen=True):
    """[model]: how notes are chosen, and what the answers keep to, as far as the model can heed it.

    Attributes:
        top_k: notes are chosen among the so many likeliest, 0..1000; 0 is all of them.
        top_p: notes are chosen among the likeliest that make up this share, above 0 to 1; 1 is all of them.
        style: a style label of a conditioned model; auto leaves it to the model.
        key: as "C", "F# minor", "D dorian", that answers keep to; auto is the one that you play in, off is
            none, "as played" the notes of your phrase alone.
        chords: as "C/E Am F G", one a bar, over and over, that the band plays; auto follows what you play.
        accompany: parts that join what the performer plays where they are not played, of a model that can.
        recall_band: whether an anchor that is played again brings back its band and its chords.
        split: how a keyboard is divided for a model of one line or several parts: "line", or at a note, "C3".
        device: what computes the model: auto takes the quicker of the processor and a graphics card.
        candidates: of which an answer to a knob, and what comes next, are chosen, 1..256; auto fits them to
            what computes.
    """

    top_k: Annotated[int, Meta(ge=0, le=1000)] = 0
    top_p: Annotated[float, Meta(ge=0.01, le=1.0)] = 1.0
    style: Text = AUTO
    key: Text = AUTO
    chords: Text = AUTO
    accompany: list[PartName] = msgspec.field(default_factory=lambda: ["chords", "bass", "drums"])
    recall_band: bool = True
    split: Text = LINE
    device: Device = "auto"
    candidates: Candidates = "auto"

    @property
    def candidates_wanted(self) -> int:
        """How many candidates; 0 for auto."""
        return 0 if self.candidates == AUTO else int(self.candidates)

    @property
    def tracks(self) -> list[int]:
        """The tracks of `model.music.tracks` that join."""
        return [number for number, name in enumerate(TRACKS) if name in self.accompany]

    @property
    def conditions(self) -> dict[str, str]:
        """What was set, by name; what is left to the model is not in it."""
        named = {"style": self.style, "key": self.key, "chords": self.chords}
        return {name: value for name, value in named.items() if value != AUTO}


class MidiSettings(Section, frozen=True):
    """[midi]: ports, channels, clock.

    Attributes:
        api: the system's MIDI driver; auto takes the first that works.
        input: one port (a part of its name) or a list; also auto, virtual, none.
        output: one port or a list; also virtual, fluidsynth, none.
        performer_channel: the performer's keys go thru on it, 1..16.
        mpe: whether the fingers of an MPE keyboard go thru on the channels that they come on.
        instrument_channel: of the answers: the melody, or all of a model with one part, 1..16.
        chords_channel, bass_channel, drum_channel: of the other parts of a model that has them, 1..16.
        send_sounds: whether outputs beside the built-in synth are told programs and levels, too.
        clock: whose beat is kept: its own, that of MIDI clock or time code (mtc) that comes in, of Ableton
            Link, or of JACK.
        clock_source: a part of the name of the port whose clock or time code leads; auto is the first that
            sends any.
        time_code_start: time of MIDI time code at which bar 1 begins, hours:minutes:seconds:frames.
        clock_out: whether MIDI clock, start, stop and song position are sent.
        ahead: where the MIDI system gets messages ahead, to leave at their moment: auto on JACK and ALSA, on
            also on macOS, off nowhere.
        late_bound_ms: a note-on due longer ago than this is dropped instead of sent.
        clock_offset_ms: how much later, or earlier below 0, MIDI clock leaves; one figure, or one for each
            output by a part of its name.
        click_channel: of the count-in's clicks, 1..16; 0 is the drums'.
        click_output: a part of the name of the one output that gets them; empty for all.
        output_latency_ms: how much earlier events leave, for an output that sounds that much later; one
            figure, or one for each output by a part of its name.
        input_latency_ms: how much too late your keys arrive, where a steady lead or lag is looked for from.
    """

    api: Api = "auto"
    input: Text | list[Text] = "auto"
    output: Text | list[Text] = SYNTH
    performer_channel: Channel = 1
    mpe: Literal["off", "thru"] = "off"
    instrument_channel: Channel = 2
    chords_channel: Channel = 3
    bass_channel: Channel = 4
    drum_channel: Channel = 10
    send_sounds: bool = False
    clock: ClockName = "internal"
    clock_source: Text = AUTO
    time_code_start: Text = "00:00:00:00"
    clock_out: bool = False
    ahead: Ahead = "auto"
    late_bound_ms: Annotated[float, Meta(ge=0.0, le=1000.0)] = 50.0
    clock_offset_ms: ClockOffset | dict[str, ClockOffset] = 0.0
    click_channel: Annotated[int, Meta(ge=0, le=16)] = 0
    click_output: str = ""
    output_latency_ms: OutputLatency | dict[str, OutputLatency] = 0.0
    input_latency_ms: Annotated[float, Meta(ge=-100.0, le=200.0)] = 0.0

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs as a tuple, however they were written."""
        return (self.input,) if isinstance(self.input, str) else tuple(self.input)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs as a tuple, however they were written."""
        return (self.output,) if isinstance(self.output, str) else tuple(self.output)

    @property
    def click_on(self) -> int:
        """The channel of the clicks, 1..16."""
        return self.click_channel or self.drum_channel

    @property
    def most_latency_ms(self) -> float:
        """The latency of the slowest output."""
        latency = self.output_latency_ms
        return max(latency.values(), default=0.0) if isinstance(latency, dict) else latency

    def delay_ms(self, output: str) -> float:
        """Return by how much an output sounds sooner than the slowest one."""
        return self.most_latency_ms - for_output(self.output_latency_ms, output)


def for_output(setting: float | dict[str, float], output: str) -> float:
    """Return what a setting says for an output: the figure of the longest part of its name; else 0."""
    if not isinstance(setting, dict):
        return setting
    parts = [part for part in setting if part.lower() in output.lower()]
    return setting[max(parts, key=len)] if parts else 0.0


class SynthSettings(Section, frozen=True):
    """[synth]: FluidSynth.

    Attributes:
        soundfont: path of a .sf2; empty for the one that comes with the instrument.
        driver: FluidSynth's audio driver; auto takes the first that works.
        gain: 0..5, FluidSynth's own scale.
        performer_program, instrument_program: General MIDI programs, 0..127.
        chords_program, bass_program: the same for these parts.
        drum_program: the drum kit, a program of the soundfont's bank 128; 0 is the standard kit.
        reverb, chorus: levels, 0 turns the effect off.
    """

    soundfont: str = ""
    driver: Text = "auto"
    gain: Annotated[float, Meta(ge=0.0, le=5.0)] = 0.6
    performer_program: Program = 0
    instrument_program: Program = 4
    chords_program: Program = 24
    bass_program: Program = 33
    drum_program: Program = 0
    reverb: Level = 0.3
    chorus: Level = 0.0


class OscSettings(Section, frozen=True):
    """[osc]: remote control over UDP.

    Attributes:
        enabled: whether the port is opened.
        host: address that is listened on.
        port: UDP port; 0 takes any free one.
        allow: hosts beside this machine that may subscribe; `*` is any.
    """

    enabled: bool = True
    host: Text = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 9000
    allow: list[Text] = []


class PageSettings(Section, frozen=True):
    """[page]: a page for phone, tablet and second screen.

    Attributes:
        enabled: whether it is served.
        host: address that it listens on; any but this machine's own asks for a token.
        port: TCP port; 0 takes any free one.
    """

    enabled: bool = False
    host: Text = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 9080


class MappingSettings(Section, frozen=True):
    """[mapping]: a mapping's name, the path of a file, or auto: each controller's by its port's name."""

    name: Text = AUTO


class DashboardSettings(Section, frozen=True):
    """[dashboard]: snapshots per second (1..15), and keys by the name of what they do."""

    fps: Annotated[int, Meta(ge=1, le=15)] = 15
    keymap: dict[str, Text] = {}


class Scene(Section, frozen=True):
    """[[scene]]: knobs, and perhaps a mode and the parts that are muted, set together by number."""

    number: Annotated[int, Meta(ge=1, le=9)]
    name: str = ""
    mode: Mode | None = None
    mute: list[PartName] | None = None
    knobs: dict[str, float] = {}


class SongLink(Section, frozen=True):
    """A scene of a song: its number, for how many bars (0: until you lead on), and over how many it comes."""

    scene: Annotated[int, Meta(ge=1, le=MOST_SCENES)]
    bars: Annotated[int, Meta(ge=0, le=999)] = 0
    over: Annotated[int, Meta(ge=0, le=64)] = 0


class Song(Section, frozen=True):
    """[[song]]: a chain of scenes; the songs of the file, in their order, are the set."""

    name: Text
    chain: Annotated[list[SongLink], Meta(min_length=1)]


class Config(Section, frozen=True):
    """The whole of live.toml."""

    jam: JamSettings = JamSettings()
    model: ModelSettings = ModelSettings()
    midi: MidiSettings = MidiSettings()
    synth: SynthSettings = SynthSettings()
    osc: OscSettings = OscSettings()
    page: PageSettings = PageSettings()
    mapping: MappingSettings = MappingSettings()
    dashboard: DashboardSettings = DashboardSettings()
    scene: list[Scene] = []
    song: list[Song] = []
