"""What the model is asked for: a base, the path, the knobs and the settings, put into a request.

A model without a latent is given a phrase to continue in place of a vector.
Owns: which model plays, the conditions that answers are held to, and the count of requests.
Threads: engine only.
Tested in tests/live/jam/test_jam.py, tests/live/jam/test_continuation.py.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from itertools import count
from typing import NamedTuple

from live.errors import UsageError, model_faults, unknown
from live.ipc.jam_memory import Base
from live.ipc.messages import Accompany, Closing, Decode, Encode, Ready, VaryAhead, Warp
from live.ipc.places import Place
from live.jam.input.capture import PlayedNote, StruckRow
from live.jam.latent.path import PathState, heaviest, moved
from live.jam.sequencing.cell import Cell
from live.jam.sequencing.periods import PeriodPart
from live.settings.config import check_condition
from live.settings.knobs import ATTRIBUTE_KNOBS, Mode
from live.settings.schema import AS_PLAYED, AUTO, OFF, ModelSettings
from live.timing.timeline import whole_nanos_per_beat
from model.music.grid import TICKS_PER_BEAT, Grid
from model.music.harmony import chord_name, key_named, tones
from model.music.metre import AUTO as OWN_METRE
from model.music.metre import cut, grid_in, metre_of, padded, read_metre, refusal, takes
from model.music.phrase import Note, Phrase
from model.music.progression import read_progression


class Reason(Enum):
    """Why the place of a phrase is looked for."""

    PLAYED = "played"
    BEGUN = "begun"
    LOOPED = "looped"
    FOUND_AGAIN = "found again"
    ANCHOR = "anchor"
    BAND = "band"


class Search(NamedTuple):
    """A phrase whose place the model was asked for.

    Attributes:
        phrase: whose place; of one that was just played each note on its nearest step.
        cell: that is to sound it first.
        reason: what becomes of the place.
        anchor: its name, where it is one's, or is recognised as one.
        struck: the phrase as it was just played, see `Capture.struck`; empty for one that has its places.
        tick_nanos: length of a tick when it was.
        sounding: of its notes, those that sounded on at its end.
        place: of the phrase in the one that was played, which may be longer than a cell.
        period: how many cells that one has.
        band: what joins it; empty for what is written to it.
    """

    phrase: Phrase
    cell: int
    reason: Reason
    anchor: str = ""
    struck: Sequence[StruckRow] = ()
    tick_nanos: int = 0
    sounding: Sequence[PlayedNote] = ()
    place: int = 0
    period: int = 1
    band: Sequence[Note] = ()

    @property
    def part(self) -> PeriodPart:
        """Which part of what was played it is."""
        return PeriodPart(self.cell, self.place, self.period)

    @property
    def was_played(self) -> bool:
        """Whether it was just played, to its end."""
        return self.reason in (Reason.PLAYED, Reason.LOOPED)

    @property
    def joined(self) -> bool:
        """Whether parts of a band are to join it."""
        return self.was_played or self.reason is Reason.BAND

    @property
    def text(self) -> str:
        """The reason as the event log has it."""
        return f"{self.reason.value} {self.anchor}".rstrip()


class Requests:
    """Writes requests for the model that plays.

    Args:
        knobs: present values by name; read, never written.
        seed: of every choice.
        choice: how notes are chosen, and the conditions that answers keep to from the start.

    Attributes:
        model: that plays; None before the first.
        conditions: what answers are to keep to, by name; what is not in it the model estimates.
        swing: where the second eighth of a beat lay in the last phrase, .5 straight .. .67 triplets.
    """

    def __init__(self, *, knobs: Mapping[str, float], seed: int, choice: ModelSettings) -> None:
        self.model: Ready | None = None
        self.conditions = choice.conditions
        self.swing = 0.5
        self._knobs, self._seed, self._choice = knobs, seed, choice
        self._idents = count(1)

    @property
    def has_latent(self) -> bool:
        """Tell whether the model that plays has a latent."""
        return self.model is not None and self.model.latent_size > 0

    @property
    def key(self) -> str:
        """The key that answers keep to: "auto" is that of what they come from, "off" none."""
        return self.conditions.get("key", AUTO)

    @property
    def tick_nanos(self) -> int:
        """Return the length of a tick at the present tempo."""
        return whole_nanos_per_beat(self._knobs["tempo"]) // TICKS_PER_BEAT

    @property
    def recalls_band(self) -> bool:
        """Whether an anchor that is played again brings back its band."""
        return self._choice.recall_band

    @property
    def parts(self) -> list[int]:
        """Return the tracks that join what the performer plays; none where the model does not accompany."""
        return self._choice.tracks if self.model is not None and self.model.accompanies else []

    @property
    def model_grid(self) -> Grid:
        """The grid of the model's own metre; two bars of 4/4 before the first model."""
        return self.model.grid if self.model is not None else Grid()

    def takes(self, grid: Grid) -> bool:
        """Tell whether the model takes and answers phrases on a grid."""
        return takes(self.model_grid, grid, latent=self.model is None or self.has_latent)

    def grid_in(self, metre: str, bars: int = 0) -> Grid:
        """Return the grid of the model's phrases in a metre, by its name.

        Args:
            metre: see above; "auto" is the model's own.
            bars: that are taken up as one phrase, of several cells where they are more than one has; 0 for
                as many as it has.

        Raises:
            UsageError: the model does not play it, or there is none of that name.
        """
        with model_faults():
            wanted = metre_of(self.model_grid) if metre == OWN_METRE else read_metre(metre)
            whole, found = grid_in(self.model_grid, wanted), grid_in(self.model_grid, wanted, bars)
        model = self.model
        if whole is None or found is None or not self.takes(whole):
            assert model is not None
            raise UsageError(refusal(model.model, model.codec, metre, model.metres))
        if not self.takes(found):
            assert model is not None
            raise UsageError(
                f"{model.model} continues phrases of {whole.bars} bars and takes no shorter ones"
            )
        return found

    def period_in(self, grid: Grid, bars: int) -> int:
        """Return how many cells on a grid so many bars are; 1 where they are as many as the model's."""
        return max(1, bars // grid.bars)

    def relaid(self, phrase: Phrase, grid: Grid) -> Phrase | None:
        """Return a phrase of one metre as another has it; None where the model takes it in neither."""
        if not (self.takes(phrase.grid) and self.takes(grid)):
            return None
        return cut(padded(phrase, self.model_grid), grid)

    def encode(self, search: Search) -> Encode:
        """Return the request for the place of a phrase."""
        parts = self.parts if search.joined else []
        notes, struck, grid = [*search.phrase.notes], [*search.struck], search.phrase.grid
        band = [*search.band]
        begun = search.reason is Reason.BEGUN
        return Encode(
            next(self._idents), notes, parts, struck, search.tick_nanos, self.swing, grid, band, begun
        )

    def accompany(self, cell: int, played: Phrase) -> Accompany:
        """Return the request for what goes with a phrase in a cell."""
        return Accompany([*played.notes], self.parts, cell, self._seed, played.grid)

    @property
    def varies(self) -> bool:
        """Tell whether answers are to be variations."""
        return self.has_latent and self._knobs["vary"] > 0

    def closing(self, ticks: int) -> Closing:
        """Return that a phrase closes in so many ticks."""
        return Closing(ticks * self.tick_nanos)

    def vary_ahead(self, search: Search) -> VaryAhead:
        """Return the request for a variation of a phrase that has not closed, in the cell that follows it."""
        return VaryAhead(
            [*search.phrase.notes],
            [*search.struck],
            search.tick_nanos,
            self.swing,
            self._knobs["vary"],
            search.cell,
            self._seed,
            self.key,
            search.phrase.grid,
        )

    def warp(self, a: Place, b: Place) -> Warp:
        """Return the request for how the notes change between two places."""
        return Warp(next(self._idents), a, b)

    def moved(self, base: Base, cell: int, state: PathState) -> Place:
        """Return where vary, stray and drift have taken a base at a cell.

        Nowhere without a latent; nor one of a phrase that goes on, whose variation would be another one then.
        """
        if not self.has_latent or base.origin == "begun":
            return base.place
        turn = cell if state.turn is None else state.turn
        return moved(base, cell, self._knobs, drifting=state.mode == "drift", turn=turn, seed=self._seed)

    def decode(
        self,
        cell: Cell,
        base: Base,
        *,
        bar: int,
        grid: Grid,
        state: PathState,
        before: Phrase | None,
        prefix: list[Note],
        fixed: int,
        begins_ticks: int,
        ends_ticks: int,
    ) -> Decode:
        """Return the request for a cell's phrase.

        Args:
            cell: what is to be filled.
            base: where it starts from.
            bar: its first bar.
            grid: of the phrase.
            state: the present one.
            before: what is played in the cell before from the same base, None for nothing.
            prefix: notes of the cell that cannot change any more.
            fixed: steps of it that cannot.
            begins_ticks: until the cell begins.
            ends_ticks: until it ends.
        """
        model, knobs = self.model, self._knobs
        assert model is not None
        return Decode(
            ident=next(self._idents),
            bar=bar,
            place=self.moved(base, cell.index, state),
            turns={name: knobs[name] for name in ATTRIBUTE_KNOBS if name in model.knobs},
            temperature=knobs["temperature"],
            seed=self._seed + (cell.index if knobs["temperature"] > 0 else 0),
            prefix=[*prefix],
            prefix_steps=fixed,
            context=[] if self.has_latent else [*self._context(base, state.mode, before)],
            condition=self._condition(model, bar, grid),
            key=self.key,
            top_k=self._choice.top_k,
            top_p=self._choice.top_p,
            grid=grid,
            band=heaviest(base.place).band,
            begins_nanos=begins_ticks * self.tick_nanos,
            ends_nanos=ends_ticks * self.tick_nanos,
        )

    @staticmethod
    def _context(base: Base, mode: Mode, before: Phrase | None) -> tuple[Note, ...]:
        """Return what a model without a latent continues: what was played, or in drift what it has played."""
        if mode == "drift" and before is not None and before.notes:
            return before.notes
        return base.phrase.notes if base.phrase is not None else ()

    def _condition(self, model: Ready, bar: int, grid: Grid) -> dict[str, str]:
        """Return what is set of the conditions that the model heeds, but no style that it does not know."""
        return {
            name: _in_bars(value, bar, grid) if name == "chords" else value
            for name, value in self.conditions.items()
            if name in model.conditions
            and not (name == "style" and value not in model.styles)
            and not (name == "key" and value in (OFF, AS_PLAYED))
        }

    # -- for the human ---------------------------------------------------------------------------

    def condition(self, name: str, value: str) -> None:
        """Hold answers to a condition, or let the model estimate it again ("auto").

        Raises:
            UsageError: the model does not heed it or does not know the style, or the text says no such thing.
        """
        model = self.model
        if name in ("key", "chords"):
            pass  # what is new keeps to the key, and the band to the chords, whatever the model was taught
        elif model is None or not model.conditions:
            raise UsageError(f"the model that plays heeds no {name}, nor any other condition")
        elif name not in model.conditions:
            raise unknown("condition", name, ["key", "chords", *model.conditions])
        elif name == "style" and value not in (AUTO, *model.styles):
            raise unknown("style", value, [AUTO, *model.styles])
        if not value:
            raise UsageError(f"condition {name} takes a text; '{AUTO}' leaves it to the model")
        if value == AUTO:
            self.conditions.pop(name, None)
        else:
            check_condition(name, value, label=f"condition {name}")
            self.conditions[name] = value

    def contradictions(self) -> list[str]:
        """Return a sentence if chords that were set lie outside of the key that was."""
        chords, key = self.conditions.get("chords", AUTO), self.key
        if chords == AUTO or key in (AUTO, OFF, AS_PLAYED):
            return []
        held = key_named(key)
        outside = {
            chord_name(chord, held): None
            for chord in read_progression(chords).chords
            if chord is not None and not held.scale.issuperset((*tones(chord), chord.lowest))
        }
        if not outside:
            return []
        are = "is" if len(outside) == 1 else "are"
        return [f"{', '.join(outside)} {are} outside of {held.name}: the chord wins while it sounds"]

    def remarks(self) -> list[str]:
        """Return a sentence for each thing about the model that the performer must know."""
        model = self.model
        if model is None:
            return []
        said = self.contradictions()
        if not self.has_latent:
            said.append(
                f"{model.model} continues your bars and has no latent: morph, xy, vary and stray do "
                "nothing, anchors hold phrases, and drift goes on from what it has played itself"
            )
        style = self.conditions.get("style")
        if style is not None and "style" in model.conditions and style not in model.styles:
            known = ", ".join(sorted(model.styles)) or "none"
            said.append(f"{model.model} does not know the style '{style}'; there is: {known}")
        return said


def _in_bars(chords: str, bar: int, grid: Grid) -> str:
    """Return the chords of a phrase, one a beat, of those that were set."""
    beats = read_progression(chords).beats(bar, grid.bars, grid.beats_per_bar)
    return " ".join(map(chord_name, beats))
