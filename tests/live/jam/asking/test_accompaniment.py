"""A model that accompanies: when it is asked for the parts that a phrase lacks, what becomes of them."""

from collections.abc import Generator, Iterable

import msgspec
import pytest

from live.ipc.messages import Accompany, Answer, Encode, Encoded, Failed, ToWorker
from live.settings.schema import Config, ModelSettings
from live.timing.timeline import Nanos
from live.worker.accompanist import Accompanist
from live.worker.handler import RequestHandler
from model.latent.note_transformer import run_to_end
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY
from model.playing import load as play
from tests.fakes.roll_player import RollPlayer
from tests.fakes.stage import EchoModel, Stage, configured

BEAT, BAR = 480, 1920
CELL = 2 * BAR
HALF_STEP = 60
ALL = [CHORDS, BASS, DRUMS]


def jam(config: Config | None = None, *, phrases: int = 1, mode: str = "follow") -> Stage:
    """Play a note on each beat for some phrases to a model that accompanies."""
    stage = Stage.begun(
        config or configured(mode=mode), model=EchoModel(codec="multitrack", accompanies=True)
    )
    for beat in range(8 * phrases):
        stage.press(beat * BEAT, BEAT - 5, 60 + beat % 8)
    return stage


def asked(stage: Stage) -> list[Accompany]:
    return [message for message in stage.asked if isinstance(message, Accompany)]


def found(stage: Stage) -> list[Encode]:
    return [message for message in stage.asked if isinstance(message, Encode)]


def test_the_band_is_asked_two_beats_before_a_phrase_closes() -> None:
    stage = jam()
    due = CELL - 2 * BEAT - HALF_STEP
    stage.run_to_tick(due - 1)
    assert not asked(stage)
    stage.run_to_tick(due + 1)
    (request,) = asked(stage)
    assert [note[1] for note in request.notes] == [60, 61, 62, 63, 64, 65], "what was played by then"
    assert (request.number, request.parts) == (1, ALL)
    assert not found(stage)
    stage.run_to_tick(CELL)
    (encode,) = found(stage)
    assert (encode.parts, len(encode.notes)) == (ALL, 8)


def test_at_a_fast_tempo_the_band_is_asked_two_beats_sooner() -> None:
    stage = jam(configured(bpm=240.0))
    due = CELL - 4 * BEAT - HALF_STEP
    stage.run_to_tick(due - 1)
    assert not asked(stage)
    stage.run_to_tick(due + 1)
    assert [note[1] for note in asked(stage)[0].notes] == [60, 61, 62, 63]


def test_each_phrase_is_asked_for_once() -> None:
    stage = jam(phrases=9)
    stage.run_to_tick(9 * CELL)
    assert [request.number for request in asked(stage)] == list(range(1, 10))
    again = jam(phrases=9)
    again.run_to_tick(9 * CELL)
    assert asked(again) == asked(stage)


@pytest.mark.parametrize("mode", ["hold", "drift"])
def test_who_is_not_listened_to_is_not_accompanied(mode: str) -> None:
    stage = jam(mode=mode, phrases=2)
    stage.run_to_tick(2 * CELL)
    assert not asked(stage)


def test_in_answer_mode_every_second_phrase_is_accompanied() -> None:
    stage = jam(mode="answer", phrases=4)
    stage.run_to_tick(4 * CELL - 3 * BEAT)
    assert [request.number for request in asked(stage)] == [1, 3]


def test_in_answer_mode_a_new_pattern_begins_where_the_form_does_under_what_sounds_on() -> None:
    stage = jam(mode="answer", phrases=4)
    stage.run_to_tick(4 * CELL - HALF_STEP - 1)
    assert [request.number for request in asked(stage)] == [1, 3, 4]
    assert [note.pitch for note in asked(stage)[-1].notes] == [60 + beat % 8 for beat in range(8)]
    before = stage.jam.history.state.bases[0]
    stage.run_to_tick(4 * CELL)
    joined = found(stage)[-1]
    assert (joined.parts, joined.struck, len(joined.notes)) == (ALL, [], 8)
    (after,) = stage.jam.history.state.bases
    assert after.phrase is before.phrase
    assert (after.number, after is before) == (before.number, False), "only its band is another"
    stage.run_to_tick(8 * CELL)
    assert [request.number for request in asked(stage)] == [1, 3, 4, 8], "the form goes on"


def test_silence_is_not_accompanied() -> None:
    stage = jam(phrases=1)
    stage.run_to_tick(3 * CELL)
    assert len(asked(stage)) == 1


def test_no_part_joins_that_is_not_wanted() -> None:
    none = msgspec.structs.replace(Config(), model=ModelSettings(accompany=[]))
    stage = jam(none)
    stage.run_to_tick(CELL)
    assert not asked(stage)
    assert [encode.parts for encode in found(stage)] == [[]]
    drums = msgspec.structs.replace(Config(), model=ModelSettings(accompany=["drums", "bass"]))
    stage = jam(drums)
    stage.run_to_tick(CELL)
    assert [request.parts for request in asked(stage)] == [[BASS, DRUMS]]


def test_a_model_that_does_not_accompany_is_not_asked() -> None:
    stage = Stage.begun(model=EchoModel(codec="multitrack"))
    stage.press(0, BEAT, 60)
    stage.run_to_tick(CELL)
    assert not asked(stage)
    assert [encode.parts for encode in found(stage)] == [[]]


def test_a_new_start_begins_a_new_section() -> None:
    stage = jam(phrases=2)
    stage.run_to_tick(2 * CELL)
    stage.act(2 * CELL + 1, "stop")
    stage.act(2 * CELL + 2, "start")
    stage.run_to_tick(2 * CELL + 10)
    stage.press(BEAT, BEAT, 70)
    stage.run_to_tick(CELL)
    assert [request.number for request in asked(stage)] == [1, 2, 1]


def test_after_a_model_of_longer_phrases_the_band_is_asked_in_its_cells() -> None:
    stage = jam(phrases=7)
    stage.run_to_tick(4 * CELL + 10)
    longer = msgspec.structs.replace(stage.model.ready(), bars=4, ident="longer")
    stage.jam.from_worker(longer, Nanos(stage.nanos))
    stage.run_to_tick(7 * CELL)
    assert [request.number for request in asked(stage)] == [1, 2, 3, 4, 5, 7], (
        "the present two bars to their end, then cells of four, whose first one has an even number"
    )
    assert [note[1] for note in asked(stage)[-1].notes] == [60 + beat % 8 for beat in range(14)]


def test_a_band_that_breaks_is_reported_and_the_phrase_is_answered_alone() -> None:
    stage = jam()
    stage.run_to_tick(CELL - HALF_STEP - 1)
    answer = stage.model.answer

    def breaking(message: ToWorker) -> Answer:
        reply = answer(message)
        broken = isinstance(reply, Encoded)
        return msgspec.structs.replace(reply, fault="the band could not join: no") if broken else reply

    stage.model.answer = breaking  # type: ignore[method-assign]
    stage.run_to_tick(CELL + BEAT)
    notices = [fields["text"] for kind, fields in stage.logged if kind == "notice"]
    assert "the band could not join: no" in notices
    assert stage.note_ons(first=CELL, last=CELL + BEAT)


# -- in the model process ------------------------------------------------------------------------

TUNE = [Note(0, 60, 90, 2), Note(8, 64, 80, 2)]


def request(number: int) -> Accompany:
    return Accompany(TUNE, ALL, number, seed=0)


def pitches(phrase: Phrase) -> list[int]:
    return [phrase.part(part).notes[0].pitch for part in ALL]


def played(player: RollPlayer) -> Phrase:
    return Phrase.of(player.card.grid, [Note(0, 72, 90, 2), Note(4, 74, 90, 2)])


def written(band: Accompanist, number: int) -> Phrase:
    return run_to_end(band.write(Phrase.of(Grid(), TUNE), ALL, number=number, seed=0))


def test_what_was_written_joins_a_phrase_where_that_has_no_notes() -> None:
    player = RollPlayer(codec="multitrack")
    band, tune = Accompanist(player), played(player)
    assert pitches(written(band, 5)) == [41, 41, 41]
    whole = band.joined(tune, ALL)
    assert whole.part(MELODY).notes == tune.notes
    assert pitches(whole) == [41, 41, 41]
    with_bass = Phrase.of(tune.grid, [*tune.notes, Note(0, 30, 90, 2, 0.0, BASS)])
    assert pitches(band.joined(with_bass, ALL)) == [41, 30, 41]
    assert band.joined(tune, []).notes == tune.notes


def test_a_pattern_stays_for_four_phrases() -> None:
    band = Accompanist(RollPlayer(codec="multitrack"), stays={})
    drums = [pitches(written(band, number))[ALL.index(DRUMS)] for number in range(1, 10)]
    assert drums == [37, 37, 37, 40, 40, 40, 40, 44, 44]
    assert pitches(written(band, 10)) == [44, 44, 44], "chords and bass, too"


def test_where_every_second_phrase_is_accompanied_a_pattern_stays_as_long() -> None:
    band = Accompanist(RollPlayer(codec="multitrack"), stays={})
    drums = [pitches(written(band, number))[ALL.index(DRUMS)] for number in range(1, 12, 2)]
    assert drums == [37, 37, 41, 41, 45, 45]


def test_a_section_whose_pattern_was_broken_off_gets_one_with_its_next_phrase() -> None:
    band = Accompanist(RollPlayer(codec="multitrack"), stays={})
    written(band, 0)
    next(band.write(Phrase.of(Grid(), TUNE), ALL, number=4, seed=0))
    assert pitches(written(band, 5)) == [41, 41, 41]
    assert pitches(written(band, 6)) == [41, 41, 41]


def test_the_next_pattern_is_written_to_the_parts_that_stay() -> None:
    band = Accompanist(RollPlayer(codec="multitrack"), stays={DRUMS: 1.0, CHORDS: 0.5})
    found = [pitches(written(band, number)) for number in range(0, 92, 4)]
    chords, bass, drums = zip(*found, strict=True)
    assert set(drums) == {36}
    assert len(set(bass)) == len(found), "what never stays"
    assert 6 <= len(set(chords)) <= 18


def test_what_is_not_ready_in_time_is_the_one_before_or_written_now() -> None:
    player = RollPlayer(codec="multitrack")
    band, tune = Accompanist(player, stays={}), played(player)
    assert pitches(band.joined(tune, ALL)) == [36, 36, 36], "nothing was written: now"
    written(band, 4)
    half = band.write(tune, ALL, number=8, seed=0)
    next(half)
    assert pitches(band.joined(tune, ALL)) == [40, 40, 40], "the one before"
    assert len(list(half)) == 2, "it goes on for the next one"
    assert pitches(band.joined(tune, ALL)) == [44, 44, 44]


def test_the_first_one_is_waited_for() -> None:
    player = RollPlayer(codec="multitrack")
    band, tune = Accompanist(player), played(player)
    half = band.write(tune, ALL, number=3, seed=0)
    next(half)
    assert pitches(band.joined(tune, ALL)) == [39, 39, 39]
    assert not list(half)


def test_while_the_first_one_is_waited_for_it_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = list[int]()

    def accompany(
        phrase: Phrase, _parts: object, *, tries: Iterable[int] = range(1), **_rest: object
    ) -> Generator[None, None, Phrase]:
        for number in tries:
            tried.append(number)
            yield
        return Phrase.of(phrase.grid, [*phrase.notes, Note(0, 36, 90, 1, 0.0, DRUMS)])

    player = RollPlayer(codec="multitrack")
    monkeypatch.setattr(player, "accompany", accompany)
    band = Accompanist(player)
    next(band.write(played(player), ALL, number=0, seed=0))
    band.joined(played(player), ALL)
    assert tried == [0, 0], "the one that is under way, and no other, before what it joins"
    tried.clear()
    run_to_end(band.write(played(player), ALL, number=4, seed=0))
    assert tried == [0, 1, 2, 3]


def test_the_model_process_writes_a_note_at_a_time_and_finds_all_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    player = RollPlayer(codec="multitrack")
    monkeypatch.setattr(play, "load", lambda _name, _device: player)
    desk = RequestHandler()
    desk.load("band")
    assert list(desk.accompany(request(5))) == [None] * 3
    desk.answer(Encode(1, TUNE, ALL))
    assert pitches(player.encoded[-1]) == [41, 41, 41]
    desk.answer(Encode(2, TUNE))
    assert len(player.encoded[-1]) == 2, "an anchor is what it is"
    (failed,) = desk.accompany(Accompany([Note(99, 60, 90, 2)], ALL, 1, seed=0))
    assert isinstance(failed, Failed)
    assert failed.ident == 0, "nothing waits for it"
    assert failed.text.startswith("the band could not join: ")

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a tensor of no shape")

    monkeypatch.setattr(player, "accompany", broken)
    alone = desk.answer(Encode(3, TUNE, ALL))
    assert isinstance(alone, Encoded), "the phrase is found alone"
    assert alone.fault == "the band could not join: a tensor of no shape"
    assert len(player.encoded[-1]) == 2
