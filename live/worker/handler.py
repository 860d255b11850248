"""Requests answered with the player that is loaded.

Owns: the player, what it writes ahead, and where the last variations lie.
Tested in tests/live/worker/test_serve.py, tests/live/worker/test_families.py.
"""

import contextlib
import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TypedDict

import numpy as np

from live.ipc import messages
from live.ipc.messages import Message
from live.ipc.places import Moved, Point, Varied
from live.worker.accompanist import Accompanist
from live.worker.pause import Pause
from live.worker.phrases import chordal_tracks, chords_in, named, shown_of, transcribed, with_parts
from live.worker.place_solver import PlaceSolver, point_of
from live.worker.played_keys import PlayedKeys
from live.worker.variations import Origin, Sounds, Variations
from model.codecs.keyboard import division
from model.codecs.sampling import Sampling
from model.edits.reharmonise import HARMONIC
from model.errors import sentence
from model.files import as_path
from model.latent.geometry import Latent, PlayedPhrase, between, played_at
from model.music.grid import Grid
from model.music.lines import LINE
from model.music.metre import AUTO, refusal
from model.music.phrase import Note, Phrase
from model.playing.inference.candidates import drafts_for
from model.playing.player import Card, Player
from model.playing.warp import audible_lengths, decoded_way
from model.writing.wish import KIND_OF_CODEC, Kind
from model.writing.writer import Writer, shipped_writer

TICK_NANOS = 1_041_667  # at 120 beats per minute
MOST_FOUND = 16
NOT_JOINED = "the band could not join: {}"
STRANGE = 7919  # by which the seeds of stray lie apart from those of vary


class DecodeOptions(TypedDict):
    """The arguments that `decode` and `continuation` share."""

    sampling: Sampling
    prefix: Phrase | None
    prefix_steps: int
    condition: dict[str, str] | None


class RequestHandler:
    """Answers requests with the loaded player; every fault becomes one sentence."""

    def __init__(self, find_writer: Callable[[], Writer | None] = shipped_writer) -> None:
        """Start without a player.  `find_writer`: opens what writes variations; None where there is none."""
        self.player: Player | None = None
        self.ready: messages.Ready | None = None
        self._loaded: tuple[str, int] | None = None
        self._places: PlaceSolver | None = None
        self._accompanists: dict[Grid, Accompanist] = {}
        self._variations = Variations(find_writer)
        self._found: dict[Phrase, Latent] = {}  # where the last variations lie
        self._vary: Origin = ""  # how the phrase of the present decode was varied
        self._fault = ""  # of the card, as it was said last
        self._no_card = ""  # why the model that is loaded is not on the card that was wanted
        self._keys = PlayedKeys()
        self.pause = Pause()

    def load(
        self, name: str, metre: str = AUTO, split: str = LINE, device: str = AUTO, candidates: int = 0
    ) -> Message:
        """Load a model and warm it up; returns Ready, or LoadFailed with the old one still there.

        One that is loaded already is not loaded again, unless its file has changed.  One that does not play
        the metre is refused.

        Args:
            name: a shipped model's, or a path.
            metre: that it must play.
            split: how it divides what a keyboard plays, see `model.codecs.keyboard.division`.
            device: that computes it, see `model.runtimes.registry.open_runtime`.
            candidates: of which an answer is chosen; 0 fits their number to what computes.
        """
        start = time.monotonic_ns()
        self._variations.drafts = drafts_for(candidates)
        wanted = (name, changed_nanos(name))
        try:
            divide = division(split)
            if self.ready is not None and self.player is not None and wanted == self._loaded:
                self.player.divide = divide
                self.player.candidates = candidates
                self._found.clear()
                ready = self.ready
                return ready if metre in (AUTO, *ready.metres) else refused(ready, metre)
            player, no_card = _loaded_on(device, name)
            if metre not in (AUTO, *player.card.metres):
                return refused(ready_of(player.card, 0.0), metre)
            player.divide = divide
            player.candidates = candidates
            grid = player.card.grid
            warm = Phrase.of(grid, [Note(0, 60, 90, 2), Note(grid.steps // 2, 67, 90, 2)])
            transcribed(messages.Encode(0, [], [], [(0, 200, 60, 90), (960, 1200, 67, 90)], TICK_NANOS), grid)
            for _ in range(2):
                latent = player.encode(warm)
                if has_latent(player):
                    player.decode(latent, turns={})
                else:
                    player.continuation(warm)
        except Exception as error:  # noqa: BLE001  whatever a foreign checkpoint holds
            return messages.LoadFailed(f"model '{name}' could not be loaded: {sentence(error)}")
        card, self.player, self._loaded, self._no_card = player.card, player, wanted, no_card
        self.ready = ready_of(card, since_ms(start))
        self._places = PlaceSolver(card.ident, card.scale, grid, carry=player.carried)
        self._variations.kind = KIND_OF_CODEC.get(card.codec, Kind.KEYBOARD)
        self._accompanists.clear()
        self._found.clear()
        gc.collect()
        gc.freeze()
        return self.ready

    def card_fault(self) -> str:
        """Return, once, why the processor computes in a card's place; "" while nothing is wrong."""
        fault = "" if self.player is None else self.player.fault or self._no_card
        new, self._fault = fault if fault != self._fault else "", fault
        return new

    def answer(self, request: messages.Encode | messages.Decode) -> Message:
        """Encode or decode."""
        if self.player is None or self._places is None:
            return messages.Failed(request.ident, "no model is loaded")
        start = time.monotonic_ns()
        try:
            if isinstance(request, messages.Encode):
                return self._encode(in_metre(self.player, request.grid), request, start)
            self._vary = ""
            self._variations.sounds = Sounds(start + request.begins_nanos, start + request.ends_nanos)
            vary = partial(self._varied, key=request.key)
            strange = partial(self._strange, key=request.key)
            latent = self._places.latent(request.place, vary, strange)
            latent = self._keys.keep(latent, request.key)
            return self._decode(in_metre(self.player, request.grid), latent, request, start)
        except Exception as error:  # noqa: BLE001  the music goes on whatever one request does
            return messages.Failed(request.ident, f"the model could not answer: {sentence(error)}")
        finally:
            if isinstance(request, messages.Decode):
                self.pause.answered()

    def _encode(self, player: Player, request: messages.Encode, start: int) -> messages.Encoded:
        whole = transcribed(request, player.card.grid)
        shown, fault = whole.shown, ""
        performed = played = named(whole.phrase, player)
        if request.parts:
            try:
                if request.band:
                    self._accompanist(player).bring_back(request.band)
                shown = self._accompanist(player).joined(shown, request.parts)
                played = with_parts(played, shown, request.parts)
            except Exception as error:  # noqa: BLE001  the phrase is answered without
                fault = NOT_JOINED.format(sentence(error))
        latent = player.encode(shown)
        if not request.begun:
            self._variations.hear(played, performed, closed=bool(request.struck))
        band = sorted({note.track for note in played.notes} - {note.track for note in performed.notes})
        if request.struck and not request.begun:
            self._keys.hear(performed, latent)
        return messages.Encoded(
            ident=request.ident,
            z=latent.z.tolist(),
            attributes={name: float(value) for name, value in latent.attributes.items()},
            xy=map_place(player, latent),
            ms=since_ms(start),
            fault=fault,
            notes=[*whole.phrase.notes],
            played=[*played.notes],
            lag_ticks=whole.lag,
            swing=whole.swing,
            key=self._keys.name,
            band=band,
            chords=chords_in(performed.notes, player.card.grid, self._keys.present) if request.struck else [],
        )

    def _varied(self, latent: Latent, how: Varied, *, key: str) -> Latent:
        """Return where a variation of what was played at a latent lies, in the key that holds there."""
        latent = self._keys.keep(latent, key)
        source, player = latent.source, self.player
        if source is None or player is None:
            return latent
        phrase, origin = self._variations.varied(source.phrase, how, source.scale)
        self._vary = "awaited" if "awaited" in (origin, self._vary) else origin
        if phrase is source.phrase:
            return latent
        found = self._found.get(phrase)
        if found is None:
            found = self._found[phrase] = in_metre(player, phrase.grid).encode(shown_of(phrase))
            if len(self._found) > MOST_FOUND:
                del self._found[next(iter(self._found))]
        return replace(found, source=PlayedPhrase(found.z, phrase, source.scale))

    def _strange(self, latent: Latent, place: Moved, *, key: str) -> Latent:
        """Return where stray leads: to a phrase that could come next; nowhere while that is not written."""
        seed = (place.seed + STRANGE * (1 + place.number)) % 2**32
        return self._varied(latent, Varied(Point([]), 1.0, place.cell, seed), key=key)

    def _decode(
        self, player: Player, latent: Latent, request: messages.Decode, start: int
    ) -> messages.Decoded:
        grid = player.card.grid
        how: DecodeOptions = {
            "sampling": Sampling(request.temperature, request.top_k, request.top_p, request.seed),
            "prefix": Phrase.of(grid, request.prefix) if request.prefix_steps else None,
            "prefix_steps": request.prefix_steps,
            "condition": request.condition or None,
        }
        if has_latent(player):
            phrase = player.decode(latent, turns=request.turns, **how)
        else:
            context = Phrase.of(grid, request.context)
            phrase = player.continuation(context, turns=request.turns, **how)
        xy = map_place(player, latent)
        chordal = chordal_tracks(latent)
        band = [note for note in phrase.notes if note.track in request.band]
        written = chords_in(band, grid) if band else []
        others = [note for note in phrase.notes if note.track not in request.band] if self._vary else []
        harmony = chords_in(others, grid) if any(note.track in HARMONIC for note in others) else []
        return messages.Decoded(
            request.ident,
            [*phrase.notes],
            point_of(latent),
            xy,
            since_ms(start),
            chordal,
            written,
            harmony,
            self._vary,
        )

    def accompany(self, request: messages.Accompany) -> Iterator[Message | None]:
        """Write what goes with a phrase of the performer, a note at a time; yields None after each."""
        if self.player is None:
            return
        try:
            player = in_metre(self.player, request.grid)
            phrase = Phrase.of(player.card.grid, request.notes)
            yield from self._accompanist(player).write(
                phrase, request.parts, number=request.number, seed=request.seed
            )
        except Exception as error:  # noqa: BLE001  the phrase plays on without
            yield messages.Failed(0, NOT_JOINED.format(sentence(error)))

    def _accompanist(self, player: Player) -> Accompanist:
        """Return what writes the accompaniment in the metre of a player."""
        return self._accompanists.setdefault(player.card.grid, Accompanist(player))

    def look_ahead(self, request: messages.Closing | messages.VaryAhead) -> None:
        """Rest when a phrase closes, or begin to write the variation of it, which `write` finishes."""
        if isinstance(request, messages.Closing):
            self.pause.expect(request.in_nanos)
            return
        if self.player is None:
            return
        with contextlib.suppress(Exception):  # it is written when the phrase has closed
            player = in_metre(self.player, request.grid)
            asked = messages.Encode(
                0, request.notes, [], request.struck, request.tick_nanos, request.swing, request.grid
            )
            phrase = named(transcribed(asked, player.card.grid).phrase, player)
            played = self._keys.keep(
                played_at(Latent("", np.zeros(0, dtype=np.float32)), phrase), request.key
            )
            how = Varied(Point([]), request.amount, request.turn, request.seed)
            self._variations.write_ahead(phrase, how, played.source.scale if played.source else None)

    def write(self) -> Iterator[Message | None]:
        """Write the variations that are awaited, a note at a time; yields None after each."""
        for written in self._variations.write():
            yield messages.Rewritten() if written else None

    def warp(self, request: messages.Warp) -> Iterator[Message | None]:
        """Walk from a to b, a decode at a time; yields None until the last, then the answer."""
        try:
            yield from self._walk(request)
        except Exception as error:  # noqa: BLE001  anchors of another model, say: the knob goes unwarped
            yield messages.Failed(
                request.ident, f"the way from A to B could not be measured: {sentence(error)}"
            )

    def _walk(self, request: messages.Warp) -> Iterator[Message | None]:
        player, places = self.player, self._places
        if player is None or places is None:
            return
        a, b = places.latent(request.a), places.latent(request.b)
        phrases: list[Phrase] = []
        for phrase in decoded_way(lambda place: player.decode(between(a, b, place), turns={})):
            phrases.append(phrase)
            yield None
        yield messages.Warped(request.ident, audible_lengths(phrases))


def has_latent(player: Player) -> bool:
    """Tell whether a model has a latent; one without continues phrases."""
    return player.card.latent_size > 0


def in_metre(player: Player, grid: Grid | None) -> Player:
    """Return the player of phrases on a grid; None is its own."""
    return player if grid is None else player.on_grid(grid)


def map_place(player: Player, latent: Latent) -> tuple[float, float]:
    """Return a latent's place on the map; the middle where there is no map."""
    return player.place(latent) if has_latent(player) else (0.0, 0.0)


def ready_of(card: Card, ms: float) -> messages.Ready:
    """Return what the engine must know of a model that took so long to load."""
    return messages.Ready(
        model=card.name,
        ident=card.ident,
        codec=card.codec,
        knobs=list(card.knobs),
        bars=card.grid.bars,
        beats_per_bar=card.grid.beats_per_bar,
        steps_per_beat=card.grid.steps_per_beat,
        latent_size=card.latent_size,
        map_points=[(float(x), float(y)) for x, y in card.map_points],
        runtime=card.runtime,
        ms=ms,
        conditions=list(card.conditions),
        styles=list(card.styles),
        accompanies=card.accompanies,
        metres=list(card.metres),
    )


def refused(ready: messages.Ready, metre: str) -> messages.LoadFailed:
    """Return that a model does not play a metre."""
    return messages.LoadFailed(refusal(ready.model, ready.codec, metre, ready.metres))


def changed_nanos(name: str) -> int:
    """Return when a checkpoint's file was written last; 0 for a shipped model's name."""
    try:
        return as_path(name).stat().st_mtime_ns
    except (OSError, ValueError):
        return 0


def since_ms(start_nanos: int) -> float:
    """Return the milliseconds since a moment."""
    return round((time.monotonic_ns() - start_nanos) / 1e6, 3)


def _loaded_on(device: str, name: str) -> tuple[Player, str]:
    """Open a model on a device; where that is a card that cannot be used, on the processor, and why."""
    # here, for a wrong model must be a message, not a dead process
    from model.playing.load import load  # noqa: PLC0415
    from model.runtimes.registry import CPU, CUDA, MPS  # noqa: PLC0415

    try:
        return load(name, device), ""
    except Exception as error:
        if device not in (CUDA, MPS):
            raise
        player = load(name, CPU)  # what is wrong with the model itself is said of it
        return player, f"{sentence(error)}; the processor plays"
