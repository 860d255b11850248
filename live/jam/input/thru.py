"""Thru: what of the performer's messages leaves, on which channel, and how all of it ends.

Keys and controllers leave on the performer's channel.  With `mpe`, what comes on the channels of an MPE
keyboard's zone leaves on the one it came on, so that each finger bends its own key; but a channel that the
instrument's own parts use is theirs, and a finger there goes to the performer's, unbent.
Owns: whether it is on, what sounds, and where controllers stand.  Threads: engine only.  Realtime: yes.
Tested in tests/live/jam/input/test_performer.py, tests/live/jam/input/test_mpe.py.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from live.ipc.jam_memory import Zone
from live.jam.input.capture import Key
from live.jam.input.controllers import Controllers, Source
from live.jam.input.mpe import DATA, PARAMETER_CONTROLS, Mpe
from live.jam.notices import Notices
from live.jam.parts.parts import channels_of
from live.jam.protocols import Output
from live.settings.schema import SYNTH, Config
from live.timing.midi_bytes import CONTROL, Stream, channel_of, control, note_off, program
from live.timing.timeline import Nanos
from live.timing.transport import Transport

_GM_DRUMS = 10
_BEND_RANGE, _ZONE = 0, 6  # registered parameters


class _Voice(NamedTuple):
    """A note at the receivers: channel 1..16 and pitch."""

    channel: int
    pitch: int


class Thru:
    """The way from keyboards to the outputs.

    Args:
        config: channels, the performer's sound, and whether it is on and follows MPE.

    Attributes:
        on: whether keys leave.
    """

    def __init__(self, transport: Transport, *, output: Output, notices: Notices, config: Config) -> None:
        midi = config.midi
        self.on = config.jam.thru
        self._transport, self._output, self._notices = transport, output, notices
        self._channel, self._program = midi.performer_channel, config.synth.performer_program
        self._follows_mpe = midi.mpe == "thru"
        self._taken = {*channels_of(midi), midi.click_on} - {midi.performer_channel}
        if SYNTH in midi.outputs:
            self._taken.add(_GM_DRUMS)  # on which it has nothing else
        self._sounding: dict[Key, _Voice] = {}
        self._controllers, self._mpe = Controllers(), Mpe()
        self._announced: set[str] = set()  # keyboards of which it was said that they play MPE

    @property
    def silent(self) -> bool:
        """Whether no key sounds."""
        return not self._sounding

    @property
    def at_rest(self) -> bool:
        """Whether every controller is."""
        return not self._controllers.away()

    def governed(self, source: Source) -> set[Source]:
        """Return whom a pedal or channel mode message is for: on a zone's shared channel, its fingers too."""
        port, channel = source
        zones = [zone for zone in self._mpe.zones(port) if zone.shared == channel]
        return {source, *((port, finger) for zone in zones for finger in zone.fingers)}

    # -- keys ------------------------------------------------------------------------------------

    def strike(self, key: Key, data: bytes, due: Nanos, now: Nanos) -> None:
        """Begin the sound of a key; the one that it had before a change of zones ends."""
        if not self.on:
            return
        voice = _Voice(self._way(key[:2]), key[2])
        if self._sounding.get(key, voice) != voice:
            self.hush(key, now)
        self._sounding[key] = voice
        self._send(_on(voice.channel, data), now, due=due)

    def let_go(self, key: Key, data: bytes, due: Nanos, now: Nanos) -> None:
        """End the sound of a key where it began, unless another keyboard or channel holds it there."""
        voice = self._sounding.pop(key, None) or _Voice(self._way(key[:2]), key[2])
        if voice not in self._sounding.values():
            self._send(_on(voice.channel, data), now, due=due)

    def hush(self, key: Key, now: Nanos) -> None:
        """End the sound of a key that nobody lets go, if it has one."""
        if key in self._sounding:
            self.let_go(key, note_off(1, key[2]), now, now)

    # -- controllers -----------------------------------------------------------------------------

    def move(self, source: Source, data: bytes, due: Nanos, now: Nanos, *, held: bool) -> None:
        """Take a channel message that is neither a note nor a channel mode message.

        Args:
            source: keyboard and channel.
            data: the message.
            due: when it came.
            now: the present moment.
            held: whether a key is down on that channel of that keyboard.
        """
        port = source[0]
        before = self._mpe.zones(port)
        concerns = self._mpe.concerns(source, data, held=held)
        zones = self._mpe.zones(port)
        if zones != before:
            self._rezone(port, before, zones, now)
        if concerns and data[0] & 0xF0 == CONTROL and data[1] == DATA and not self._mpe.finger(source):
            self._declare(source[1], data[2], now)
        way = self._way(source)
        passes = self._follows_mpe and way == source[1] and self._mpe.finger(source)
        if passes or not concerns:
            moved = self._controllers.move(source, data, way)
            if moved is not None:
                self._send(moved, now, due=due)

    def mode(self, source: Source, data: bytes, now: Nanos) -> None:
        """Send a channel mode message."""
        self._send(_on(self._way(source), data), now, due=now)

    def rest(self, leaves: Callable[[Source], bool], now: Nanos) -> None:
        """Bring the controllers of some sources to rest."""
        self._send_all(self._controllers.lift(leaves), now)

    def resting(self, leaves: Callable[[Source], bool]) -> list[bytes]:
        """Return the rest of all that some sources have moved away from it, on the channels it came on."""
        return self._controllers.resting(leaves)

    # -- the whole -------------------------------------------------------------------------------

    def forget(self) -> None:
        """Take it that nothing sounds and every controller is at rest: everything was silenced."""
        self._sounding.clear()
        self._controllers.clear()

    def unplug(self, port: str, now: Nanos) -> None:
        """Know nothing more of a keyboard that has gone, and was let go."""
        before = self._mpe.zones(port)
        self._mpe.forget(port)
        self._rezone(port, before, (), now)

    def toggle(self, now: Nanos) -> None:
        """Switch it; keys that sound are ended first, pedals and wheels are where they are afterwards."""
        for key in list(self._sounding):
            self.hush(key, now)
        away = self._controllers.away()
        self._send_all((rest for _, rest in away), now)
        self.on = not self.on
        self.set_up(now)  # what is sent leaves where it was switched on
        self._send_all((message for message, _ in away), now)
        self._notices.add("info", f"thru {'on' if self.on else 'off'}")

    def set_up(self, now: Nanos) -> None:
        """Tell receivers that have come, or were told nothing, of the zones that there are."""
        for zone in self._mpe.every_zone():
            if zone.declared:
                self._declare(zone.shared, len(zone.fingers), now)
                for finger in sorted(zone.fingers - self._taken)[:1]:  # one tells all of a zone
                    self._send_all(_parameter(finger, _BEND_RANGE, zone.bend_range), now)
            self._prepare(zone, now)

    def zones(self) -> dict[str, list[Zone]]:
        """Return the zones of each keyboard that has any."""
        return self._mpe.all()

    def go_on(self, zones: Mapping[str, Sequence[Zone]], now: Nanos) -> None:
        """Follow the zones that another engine was told of."""
        self._mpe.restore(zones)
        self._announced.update(zones)
        self.set_up(now)

    # -- MPE -------------------------------------------------------------------------------------

    def _way(self, source: Source) -> int:
        """Return the channel that a source leaves on."""
        return self._way_in(self._mpe.zones(source[0]), source[1]) if self._follows_mpe else self._channel

    def _way_in(self, zones: tuple[Zone, ...], channel: int) -> int:
        follows = self._follows_mpe and channel not in self._taken
        return channel if follows and any(channel in zone.channels for zone in zones) else self._channel

    def _rezone(self, port: str, before: tuple[Zone, ...], zones: tuple[Zone, ...], now: Nanos) -> None:
        """Follow a keyboard's zones: what its controllers moved where they leave no more goes to rest."""

        def strays(other: Source) -> bool:
            ways = self._way_in(before, other[1]), self._way_in(zones, other[1])
            return other[0] == port and (ways[0] != ways[1] or self._mpe.finger(other))

        for zone in before:
            for message, rest in self._controllers.away():
                still = self._copied_to(message, self._mpe.every_zone())
                for finger in sorted(self._copied_to(message, (zone,)) - still):
                    self._send(_on(finger, rest), now, due=now, voice=Stream.SETUP)
        if {zone.channels for zone in before} != {zone.channels for zone in zones}:
            self.rest(strays, now)
        for zone in zones:
            if zone not in before:
                self._prepare(zone, now)
        if zones and port not in self._announced:
            self._announced.add(port)
            self._tell(port, zones)

    def _declare(self, shared: int, fingers: int, now: Nanos) -> None:
        """Pass the declaration of a zone on."""
        if self._follows_mpe and shared not in self._taken:
            self._send_all(_parameter(shared, _ZONE, fingers), now)

    def _prepare(self, zone: Zone, now: Nanos) -> None:
        """Give a zone's channels the performer's sound and the range of bends: some receivers know no MPE."""
        if not self._follows_mpe:
            return
        for channel in sorted(zone.channels - self._taken):
            messages = [program(channel, self._program)]
            if channel != zone.shared:
                messages += _parameter(channel, _BEND_RANGE, zone.bend_range)
            self._send_all(messages, now, voice=Stream.SETUP)

    def _tell(self, port: str, zones: tuple[Zone, ...]) -> None:
        lost = sorted({channel for zone in zones for channel in zone.channels} & self._taken)
        channels = ", ".join(map(str, lost))
        if not self._follows_mpe:
            self._notices.add(
                "warning",
                f"{port} plays MPE: bends and pressure of single fingers are left out;"
                ' mpe = "thru" under [midi] of live.toml lets them through',
            )
        elif lost:
            self._notices.add(
                "warning",
                f"{port} plays MPE: fingers on channel {channels} sound unbent, for twobar's parts are there;"
                " move either (docs/playing.md)",
            )
        else:
            self._notices.add("info", f"{port} plays MPE: each finger leaves on its own channel")

    def _send_all(self, messages: Iterable[bytes], now: Nanos, *, voice: Stream = Stream.THRU) -> None:
        for message in messages:
            self._send(message, now, due=now, voice=voice)

    def _send(self, message: bytes, now: Nanos, *, due: Nanos, voice: Stream = Stream.THRU) -> None:
        if not self.on:
            return
        self._output.send(message, tick=self._transport.tick(now), due=due, voice=voice)
        if self._follows_mpe and voice is Stream.THRU:
            for finger in sorted(self._copied_to(message, self._mpe.every_zone())):
                self._send(_on(finger, message), now, due=due, voice=Stream.SETUP)

    def _copied_to(self, message: bytes, zones: Iterable[Zone]) -> set[int]:
        """Return the fingers that hear of a pedal and the like of all, whose receiver may not know of MPE."""
        if not self._follows_mpe or message[0] & 0xF0 != CONTROL or message[1] in PARAMETER_CONTROLS:
            return set()
        shared = channel_of(message)
        return {finger for zone in zones if zone.shared == shared for finger in zone.fingers} - self._taken


def _on(channel: int, data: bytes) -> bytes:
    """Return a channel message on another channel."""
    return bytes((data[0] & 0xF0 | (channel - 1),)) + data[1:]


def _parameter(channel: int, number: int, value: int) -> list[bytes]:
    """Return what sets the upper half of a registered parameter below 128."""
    return [control(channel, 101, 0), control(channel, 100, number), control(channel, 6, value)]
