"""Scenes: states that are stored while it plays, and those of live.toml, called back at once or over bars.

A scene that was stored hides the one of live.toml with its number.
Owns: the stored scenes, which one was called last, the glide to it, and the ramp of the tempo.
Threads: engine only.
"""

from collections.abc import Callable, Container, Sequence

from live.errors import UsageError
from live.ipc.jam_memory import JamState, ScenesMemory, SetPlace, StoredScene
from live.ipc.snapshot import SceneView, SongView
from live.jam.jam import Jam
from live.jam.parts.mutes import Mutes
from live.jam.scenes.glide import Glide, Target
from live.jam.scenes.jam_state import KNOB, PLACED_KNOBS, Slots, StateSlots, Turning, bases_of, state_of
from live.jam.scenes.songs import SongList
from live.jam.scenes.tempo_ramp import TempoRamp, set_tempo
from live.settings.knobs import KNOBS, MOST_SCENES, Mode
from live.settings.schema import Scene, Song
from live.timing.timeline import Nanos, Tick
from model.music.tracks import TRACKS

SCENE = "scene "
LONGEST_GLIDE = 64  # bars


class Scenes:
    """What is stored, and the way from one to another.

    Attributes:
        called: number of the scene that was called or stored last, 0 for none.
        songs: the set.
    """

    def __init__(
        self,
        jam: Jam,
        turn: Turning,
        set_mode: Callable[[Mode, Nanos], None],
        settings: Sequence[Scene],
        songs: Sequence[Song] = (),
    ) -> None:
        self.state = StateSlots(jam, turn)
        self.called = 0
        self._jam, self._turn, self._set_mode = jam, turn, set_mode
        self._settings = {scene.number: scene for scene in settings}
        self._stored: dict[int, StoredScene] = {}
        self._glide: Glide | None = None
        self._ramp: TempoRamp | None = None
        self.songs = SongList(jam, self.call, songs)
        jam.performer.calls_songs = len(self.songs) > 0
        self._coming: Slots = {}

    # -- what there is ---------------------------------------------------------------------------

    def memory(self) -> ScenesMemory:
        """Return the stored scenes as they are remembered."""
        return ScenesMemory([scene for _, scene in sorted(self._stored.items())])

    def restore(self, memory: ScenesMemory) -> None:
        """Take up stored scenes, in place of those there are."""
        self._stored = {scene.number: scene for scene in memory.scenes}

    def views(self) -> list[SceneView]:
        """Return every scene as dashboards show it, by rising number."""
        numbers = sorted({*self._stored, *self._settings})
        return [SceneView(number, self.name(number), number in self._stored) for number in numbers]

    def name(self, number: int) -> str:
        """Return a scene's name, empty where it has none."""
        stored, settings = self._stored.get(number), self._settings.get(number)
        return (stored.name if stored else "") or (settings.name if settings else "")

    def text(self, number: int) -> str:
        """Return a scene's number and name as the performer is shown them."""
        name = self.name(number)
        return f"scene {number}: {name}" if name else f"scene {number}"

    def slots(self) -> Slots:
        """Return what gestures can change; see `StateSlots.slots`."""
        stored = {f"{SCENE}{number}": scene for number, scene in self._stored.items()}
        return {
            **self.state.slots(),
            **stored,
            "called": self.called,
            "place": self.songs.place,
            "glide": self._glide,
        }

    def put(self, slots: Slots, now: Nanos) -> None:
        """Set some slots; see `StateSlots.put`."""
        if "glide" in slots:
            self._glide = None
        for name, scene in slots.items():
            if name.startswith(SCENE):
                number = int(name.removeprefix(SCENE))
                if scene is None:
                    self._stored.pop(number, None)
                else:
                    self._stored[number] = scene
        self.called = slots.get("called", self.called)
        self.songs.place = slots.get("place", self.songs.place)
        self.state.put(slots, now)

    def coming(self) -> Slots:
        """Return, once, the slots that will be set later by the scene that was just called."""
        coming, self._coming = self._coming, {}
        return coming

    # -- store and call --------------------------------------------------------------------------

    def store(self, number: int, now: Nanos) -> None:
        """Store the whole state as a scene; raises UsageError for a number that none can have."""
        if not 1 <= number <= MOST_SCENES:
            raise UsageError(f"a scene's number is 1 to {MOST_SCENES}, not {number}")
        again = number in self._stored
        self._stored[number] = StoredScene(number, state_of(self._jam), self.name(number))
        self.called = number
        self._jam.mark(f"store scene {number}", now)
        self._jam.notices.add("info", f"{self.text(number)} stored{' anew' if again else ''}")

    def call(self, number: int, bars: int, now: Nanos) -> None:
        """Go to a scene, over some bars while the transport runs; raises UsageError where there is none."""
        if not 0 <= bars <= LONGEST_GLIDE:
            raise UsageError(f"a scene comes over 1 to {LONGEST_GLIDE} bars, not {bars}")
        stored, settings = self._stored.get(number), self._settings.get(number)
        if stored is not None:
            target = self._to_stored(stored.state)
        elif settings is not None:
            target = self._to_settings(settings)
        else:
            listed = ", ".join(map(str, sorted({*self._stored, *self._settings})))
            hint = f"; there is: {listed}" if listed else ""
            raise UsageError(f"scene {number} is empty: store it first{hint}")
        self._glide, self.called = None, number
        over = bars if self._jam.transport.running else 0
        if over or target.slots.get("model", self._jam.model_choice.name) != self._jam.model_choice.name:
            self._coming = target.slots
        if over:
            self._glide = Glide(self._jam, self.state, target, over, now)
        else:
            target.arrive(target.knobs, now)
        self._jam.mark(f"scene {number}", now)
        words = f" over {over} bar{'s' if over > 1 else ''}" if over else ""
        self._jam.notices.add("info", f"{self.text(number)}{words}")

    def _to_stored(self, state: JamState) -> Target:
        jam, slots = self._jam, self.state.slots_of(state)
        slots["called"] = self.called
        same = state.model == jam.model_choice.name and state.model_ident == jam.places.ident

        def arrive(knobs: Container[str], now: Nanos) -> None:
            self.state.put(
                {
                    name: value
                    for name, value in slots.items()
                    if not name.startswith(KNOB) or name.removeprefix(KNOB) in knobs
                },
                now,
            )

        knobs = {name: value for name, value in state.knobs.items() if name in KNOBS}
        bases = bases_of(state) if same and jam.requests.has_latent else ()
        glides = len(bases) == 1 and bases != jam.history.state.bases
        return Target(knobs, bases[0] if glides else None, slots, arrive)

    def _to_settings(self, scene: Scene) -> Target:
        jam = self._jam
        slots: Slots = {KNOB + name: value for name, value in scene.knobs.items()}
        if scene.mode is not None:
            slots["mode"] = scene.mode
        if scene.mute is not None:
            slots["mutes"] = Mutes(frozenset(map(TRACKS.index, scene.mute)))

        def arrive(knobs: Container[str], now: Nanos) -> None:
            if scene.mode is not None:
                self._set_mode(scene.mode, now)
            if scene.mute is not None:
                jam.mixer.mute(Mutes(frozenset(map(TRACKS.index, scene.mute))), now)
            for name, value in scene.knobs.items():
                if name in knobs or name in PLACED_KNOBS:
                    self._turn(name, value, now)

        gliding = {name: value for name, value in scene.knobs.items() if name not in PLACED_KNOBS}
        return Target(gliding, None, slots, arrive)

    # -- as musical time goes by -----------------------------------------------------------------

    def begin_ramp(self, tempo_bpm: float, bars: int, now: Nanos) -> None:
        """Go to another tempo over some bars; while the transport stands still, at once."""
        jam = self._jam
        if jam.transport.running:
            self._ramp = TempoRamp(jam, tempo_bpm, bars, now)
            jam.notices.add("info", f"tempo {tempo_bpm:g} over {bars} bar{'s' * (bars > 1)}")
        elif set_tempo(jam, tempo_bpm, now):
            jam.record_knob("tempo", tempo_bpm, "ramp", now)

    def advance(self, tick: Tick, now: Nanos) -> None:
        """Go on with the song, the glide and the ramp."""
        self.songs.advance(tick, now)
        if self._glide is not None and not self._glide.advance(tick, now):
            self._glide = None
        if self._ramp is not None and not self._ramp.advance(tick, now):
            self._ramp = None

    def next_tick(self, tick: Tick) -> Tick | None:
        """Return when to come back; None where nothing is to come."""
        ways = [way.next_tick() for way in (self._glide, self._ramp) if way is not None]
        song = self.songs.next_tick(tick)
        return min([*ways, song] if song is not None else ways, default=None)

    @property
    def place(self) -> SetPlace:
        """The place in the set of songs."""
        return self.songs.place

    def song(self, tick: Tick) -> SongView | None:
        """Return the song that is played as dashboards show it; None where there is no set."""
        return self.songs.view(tick)

    def go_on(self, called: int, place: SetPlace) -> None:
        """Take up the scene that was called last, and the place in the set."""
        self.called = called
        self.songs.restore(place)
