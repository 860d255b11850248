"""What the model process answers, handed to whom it concerns; the model that comes, fails or goes.

Owns: nothing; `ModelChoice` has what is shown of the model, `Requests.model` is the one that plays.
Threads: engine only.
Tested in tests/live/jam/test_jam.py, tests/live/jam/test_trouble.py.
"""

from live.ipc.messages import Answer, Decoded, Encoded, Failed, LoadFailed, Ready, Rewritten, Warped
from live.jam.asking.decoding import Decoding
from live.jam.asking.model_choice import MODEL, ModelChoice
from live.jam.asking.requests import Reason, Requests
from live.jam.asking.stored_places import StoredPlaces
from live.jam.dialogue import Dialogue
from live.jam.input.performer import Performer
from live.jam.latent.gestures import Gestures
from live.jam.latent.path import PathHistory
from live.jam.notices import Notices
from live.jam.parts.mixer import Mixer
from live.timing.timeline import Nanos, Tick
from live.timing.transport import Transport


class ModelAnswers:
    """Hands on answers."""

    def __init__(
        self,
        dialogue: Dialogue,
        decoding: Decoding,
        gestures: Gestures,
        places: StoredPlaces,
        *,
        requests: Requests,
        history: PathHistory,
        transport: Transport,
        model_choice: ModelChoice,
        performer: Performer,
        mixer: Mixer,
        notices: Notices,
    ) -> None:
        self._dialogue, self._decoding, self._gestures, self._places = dialogue, decoding, gestures, places
        self._requests, self._history, self._transport = requests, history, transport
        self._model_choice, self._performer, self._mixer = model_choice, performer, mixer
        self._notices = notices

    def take(self, answer: Answer, tick: Tick, now: Nanos) -> None:
        """Take an answer; messages have left up to a tick."""
        match answer:
            case Encoded():
                if answer.fault:
                    self._notices.add("error", answer.fault)
                search = self._dialogue.encoded(answer, tick)
                if search is not None and search.reason is Reason.ANCHOR:
                    self._gestures.prepare_morph()
                if search is not None and search.reason is Reason.PLAYED:
                    self._performer.learn_lag(answer.lag_ticks * search.tick_nanos)
            case Decoded():
                self._decoding.decoded(answer, tick)
            case Rewritten():
                self._decoding.rewritten(tick)
            case Warped():
                self._gestures.warped(answer)
            case Failed(ident, text):
                self._notices.add("error", text)
                self._dialogue.failed(ident, tick)
            case Ready():
                self._model_ready(answer, tick, now)
            case LoadFailed(text):
                self._model_choice.failed(text, self._requests.model)
                self._places.expect_no_more(tick)
                self._decoding.ask_next(tick)

    def _model_ready(self, ready: Ready, tick: Tick, now: Nanos) -> None:
        before = self._requests.model
        new = before is None or before.ident != ready.ident
        self._notices.end(MODEL, "the model is back")
        self._model_choice.ready(ready)
        if before is not None and new:
            self._history.forget()
        self._dialogue.set_model(ready, tick)
        if self._dialogue.coming is not None and not self._transport.running:
            self._dialogue.restart()
        self._gestures.prepare_morph()
        self._mixer.send_missed(now)
        for sentence in self._requests.remarks() if new else ():
            self._notices.add("info", sentence)

    def lost(self) -> None:
        """Play on without the model process."""
        self._model_choice.state = "lost"
        gone = "the model process has gone: bars repeat until it is back"
        self._notices.add("error", gone, about=MODEL)
        self._dialogue.lose_model()
