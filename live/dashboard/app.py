"""The App: takes snapshots of the engine, draws them, and turns keys into Commands.

Threads: `deliver` and `lost` may be called from any; all else belongs to Textual's.
"""

import time
from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen

from live.dashboard import intents, keys, panels, piano
from live.dashboard.drawing.rows import Row, fit_row, row_width
from live.dashboard.drawing.theme import THEME
from live.dashboard.drawing.touched import touched_row
from live.dashboard.inbox import Inbox
from live.dashboard.key_input import KeyInput
from live.dashboard.repaints import Repaints
from live.dashboard.roll_panel import RollPanel
from live.dashboard.screen_state import ScreenState
from live.dashboard.widgets import Painted, Panel
from live.dashboard.windows.learn_window import LearnWindow
from live.dashboard.windows.palette import Palette
from live.dashboard.windows.screens import (
    CodeWindow,
    HelpWindow,
    InfoWindow,
    NoticeWindow,
    QuitWindow,
    StoreWindow,
    WordsWindow,
)
from live.ipc import commands
from live.ipc.commands import Command, action
from live.ipc.snapshot import ToDashboard, TouchView
from live.settings.knobs import KNOBS

CHECK_NANOS = 250_000_000
PULSE_SECONDS = 0.08
"""Beats nearer than this are drawn on time by a timer; later ones come with the next snapshot."""


class Dashboard(KeyInput):
    """The performer's screen.

    Args:
        inbox: where another thread leaves messages; `deliver` puts them there too.
        send: called with each Command; must not block.
        on_quit: called once when the performer has said yes to quitting, after `Quit` was sent.  Without
            it this screen is only a guest: leaving it lets the music go on.
        clock: host time in nanoseconds, the same as the engine's (`time.monotonic_ns`).
        code: the page's address as a code to scan, which is shown first; "" where there is none.
        keymap: keys by ident (see `live.dashboard.keys`), in place of the usual ones.

    Attributes:
        shown: what it shows.
        fault: the exception that ended it, if one did.
    """

    CSS_PATH = "dashboard.tcss"
    TITLE = "twobar"
    COMMANDS: ClassVar[set[type[Provider]]] = {Palette}  # type: ignore[assignment]
    ALLOW_SELECT = False
    ESCAPE_TO_MINIMIZE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.bindings(),
        Binding("ctrl+c", "help_quit", show=False, priority=True),  # in every window
    ]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - Textual declares it as an instance's
        (0, "-tiny"),
        (64, "-compact"),
        (110, "-normal"),
        (160, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - the same
        (0, "-shortest"),
        (12, "-short"),
        (22, "-low"),
        (36, "-tall"),
        (46, "-high"),
    ]

    class Arrived(Message):
        """Something lies in the inbox."""

        def can_replace(self, message: Message) -> bool:
            """Let one stand for many."""
            return isinstance(message, Dashboard.Arrived)

    def __init__(
        self,
        inbox: Inbox,
        send: Callable[[Command], object],
        *,
        on_quit: Callable[[], None] | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
        keymap: Mapping[str, str] | None = None,
        code: str = "",
    ) -> None:
        """Prepare; nothing is shown before `run`."""
        super().__init__(clock)
        self.register_theme(THEME)  # before the style sheet is read, which names its colours
        self.theme = THEME.name
        self._inbox = inbox
        self._send = send
        self._on_quit = on_quit
        self._keymap = dict(keymap or {})
        self._code = code
        self.shown = ScreenState(clock)
        self.fault: Exception | None = None
        self._touched: TouchView | None = None
        self._piano = piano.Piano()
        bound = keys.rebound(self._keymap)
        self._bound = {name for named in bound.values() for name in named.split(",")}
        self._ends = {name for ident in ("piano", "panic") for name in bound[ident].split(",")}
        self._pulsing = False
        self._panels: list[Painted] = []

    # -- from other threads --------------------------------------------------------------------

    def deliver(self, message: ToDashboard) -> None:
        """Take a message; an older Snapshot that was not drawn yet is dropped.  Threads: any."""
        self._inbox.put(message)

    def lost(self, text: str) -> None:
        """Show that the connection to the engine is gone, and why, in one sentence.  Threads: any."""
        self.shown.lost = text or "connection to the engine lost"
        self._wake()

    # -- life ----------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Lay out the panels; sizes are the style sheet's."""
        with Horizontal(id="top"):
            with Vertical(id="pulse"):
                yield panels.BeatPanel(name="beat")
                yield panels.LevelPanel(name="levels")
            yield panels.SpeakerPanel(name="speaker", title="turn", legend="key   chord ▸ next")
        yield panels.ModePanel(name="mode")
        with Horizontal(id="middle"):
            yield RollPanel(name="roll", legend="█ heard   ▓ planned   ● you   ◆ both")
            yield panels.MapPanel(name="map", legend="◉ here   ◎ you")
        yield panels.KnobPanel(name="knobs")
        yield panels.NoticePanel(name="notices")
        yield panels.HintPanel(name="hints")

    def on_mount(self) -> None:
        """Start listening."""
        if self._keymap:
            self.set_keymap(self._keymap)
            for bound, action in keys.also_bound(self._keymap):
                self.bind(bound, action, show=False)
            for name in keys.unknown_idents(self._keymap):
                self.shown.note("warning", f"the keymap names '{name}', which no key has; see ? for the keys")
        self._panels = list(self.query(Painted))
        self.shown.await_engine()
        self.set_interval(CHECK_NANOS / 1e9, self.check)
        self._inbox.connect(self._wake)
        self.screen.screen_layout_refresh_signal.subscribe(self, self._placed, immediate=True)
        if self._code:
            self.push_screen(CodeWindow(self._code))
        self._show()

    def on_unmount(self) -> None:
        """Stop listening, and let no note of the computer keyboard sound on."""
        self._inbox.connect(None)
        for pitch in self._piano.release():
            self._send(commands.PlayKey(pitch, 0, source=keys.SOURCE))

    def on_dashboard_arrived(self) -> None:
        """Draw the newest snapshot."""
        post = self._inbox.take()
        if post.snapshot is not None:
            self.shown.accept(post.snapshot)
        for notice in post.notices:
            self.shown.save(notice)
        # A window shines through, so that all behind it is mixed anew at each change: `check` is enough.
        if len(self.screen_stack) == 1:
            self._show()
        if post.bye:
            self.exit()

    def _handle_exception(self, error: Exception) -> None:
        """End, and hold the fault for whoever opens the next screen; Textual's traceback is not printed."""
        self.fault = self.fault or error
        super()._handle_exception(error)
        self._exit_renderables.clear()

    def _placed(self, _screen: Screen[object]) -> None:
        """Draw for the new size: every panel has its place now, as it need not when the resize is told."""
        for panel in self._panels:
            panel.forget()
        self._show()
        self._hint()

    def _wake(self) -> None:
        """Ask the screen to look into the inbox.  Threads: any."""
        self.post_message(self.Arrived())

    def check(self) -> None:
        """Notice that the engine has stopped talking, and draw behind windows; called 4 times a second."""
        if self.shown.quiet_nanos > CHECK_NANOS or len(self.screen_stack) != 1:
            self._show()
        if self.screen_stack and isinstance(self.screen, InfoWindow | LearnWindow):  # none while it closes
            self.screen.show(self.shown.snapshot)

    # -- drawing -------------------------------------------------------------------------------

    def _show(self) -> None:
        """Draw all panels; each does only what changed."""
        if not self._panels:
            return
        view = self.shown.view()
        alone = len(self.screen_stack) == 1 and not self._batch_count
        repaints = Repaints() if alone else None
        for panel in self._panels:
            panel.draw_with(repaints, view)
        if repaints:
            self._display(self.screen, repaints)  # type: ignore[arg-type]
        touched = view.snapshot.touched if view.snapshot is not None else None
        if touched != self._touched and self.screen_stack:
            self._touched = touched
            self._hint()
        self._pulse_soon(view.tick)

    def _hint(self) -> None:
        """Draw the line of hints."""
        if self._piano.on:
            row: Row = (
                (" PIANO ", "chip-rec"),
                (f" {piano.LEGEND} {self._piano.octave}  ", ""),
                ("k", "key"),
                (" ends it", "dim"),
            )
        else:
            touched = touched_row(self._touched, self.size.width // 2)
            room = self.size.width - row_width(touched) - bool(touched)
            row = (*keys.hint_row(keys.rebound(self._keymap), room), (" " * bool(touched), ""), *touched)
        self.query_one("#hints", Panel).show((fit_row(row, self.size.width),))

    def _pulse_soon(self, tick: int) -> None:
        """Draw the next beat when it falls, not when the next snapshot comes."""
        seconds = self.shown.next_beat_s(tick)
        if seconds is None or self._pulsing:
            return
        if 0 < seconds < PULSE_SECONDS:
            self._pulsing = True
            self.set_timer(seconds, self._pulse)

    def _pulse(self) -> None:
        """Draw the beat."""
        self._show()
        self._pulsing = False

    # -- keys ----------------------------------------------------------------------------------

    def action_command(self, ident: str) -> None:
        """Send the command of a key."""
        self._send(keys.command_of(ident))

    def action_named(self, name: str, word: str) -> None:
        """Send the command of an action by its name."""
        self._send(action(name, word, source=keys.SOURCE))

    def action_mapping(self, name: str, port: str) -> None:
        """Let a controller have another mapping."""
        self._send(commands.ChooseMapping(name, port, source=keys.SOURCE))

    def action_rest_of(self, name: str) -> None:
        """Put a knob to rest by its name."""
        self._send(commands.Turn(name, KNOBS[name].rest, source=keys.SOURCE))

    def action_start_stop(self) -> None:
        """Start, or stop when it plays."""
        self._send(intents.start_stop(self.shown.snapshot))

    def action_phrase(self, step: int) -> None:
        """Ask for longer or shorter phrases."""
        if self.shown.snapshot is not None:
            self._send(intents.phrase(self.shown.snapshot, step))

    def action_loop(self) -> None:
        """Let the last bars repeat, as many as a phrase has, or let go of those that do."""
        if self.shown.snapshot is not None:
            self._send(intents.loop(self.shown.snapshot))

    def action_metre(self, step: int) -> None:
        """Ask for the next metre, or the one before; pressed again, for the one after that."""
        if self.shown.snapshot is not None:
            self._send(commands.SetMetre(self.shown.next_metre(step), source=keys.SOURCE))

    def action_choose(self, step: int) -> None:
        """Choose another knob."""
        self.shown.choose(step)
        self._show()

    def action_nudge(self, steps: int) -> None:
        """Turn the chosen knob: a fiftieth of its range a step, or one unit where the range is wide."""
        knob = self.shown.chosen_knob
        if knob is not None and knob.high > knob.low:
            self._send(intents.nudge(knob, steps))

    def action_rest(self) -> None:
        """Put the chosen knob to rest."""
        knob = self.shown.chosen_knob
        if knob is not None:
            self._send(commands.Turn(knob.name, knob.rest, source=keys.SOURCE))

    def _send_any(self, command: Command | None) -> None:
        if command is not None:
            self._send(command)

    # -- pointer -------------------------------------------------------------------------------

    def on_knob_panel_touched(self, message: panels.KnobPanel.Touched) -> None:
        """Choose a knob, and turn it to where the pointer is."""
        self.shown.chosen = message.number
        knob = self.shown.chosen_knob
        if knob is not None and message.share is not None and knob.available:
            self._send(intents.turned_to(knob, message.share))
        self._show()

    def on_knob_panel_scrolled(self, message: panels.KnobPanel.Scrolled) -> None:
        """Choose a knob and turn it a little."""
        self.shown.chosen = message.number
        self.action_nudge(message.steps)
        self._show()

    def on_mode_panel_clicked(self, message: panels.ModePanel.Clicked) -> None:
        """Do what the key of a word in the modes' row does."""
        self._send_any(intents.of_word(message.word, self.shown.snapshot))

    async def on_hint_panel_clicked(self, message: panels.HintPanel.Clicked) -> None:
        """Do what a hint says."""
        shown = keys.hints()
        if message.number < len(shown) and not self._piano.on:
            key = shown[message.number]
            await self.run_action(key.action if isinstance(key.action, str) else f"command('{key.ident}')")

    # -- windows -------------------------------------------------------------------------------

    def action_help(self) -> None:
        """Open the help."""
        self.push_screen(HelpWindow(keys.rebound(self._keymap)))

    def action_info(self) -> None:
        """Open what an engineer asks for."""
        self.push_screen(InfoWindow(self.shown.snapshot))

    def action_store(self) -> None:
        """Ask where to store, and do so."""
        snapshot = self.shown.snapshot
        if snapshot is not None:
            self.push_screen(StoreWindow(snapshot.anchors, snapshot.scenes), self._send_any)

    def action_learn(self) -> None:
        """Open the window for learning, with the chosen knob marked."""
        knob = self.shown.chosen_knob
        self.push_screen(LearnWindow(self._send, self.shown.snapshot, chosen=knob.name if knob else ""))

    def action_notices(self) -> None:
        """Open the notices."""
        self.push_screen(NoticeWindow(tuple(self.shown.notices), self._clock()))

    def action_code(self) -> None:
        """Show the page's address as a code."""
        if self._code:
            self.push_screen(CodeWindow(self._code))
        elif self._on_quit is None:
            self.shown.note("info", "the page's code, if there is one, stands where twobar was started")
        else:
            self.shown.note("info", "no page is served to others: twobar jam --page 0.0.0.0 serves one")

    def action_words(self) -> None:
        """Open the line for words."""

        def say(text: str | None) -> None:
            if text:
                self._send(commands.Say(text, source=keys.SOURCE))

        self.push_screen(WordsWindow(self.shown.situation), say)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let digits be written into the line for words, instead of doing what they do elsewhere."""
        if action == "command" and isinstance(self.screen, WordsWindow):
            return False
        return super().check_action(action, parameters)

    async def action_quit(self) -> None:
        """Ask whether to quit."""
        self._ask()

    def action_help_quit(self) -> None:
        """Ask whether to quit: Ctrl+C is a reflex, too."""
        self._ask()

    def _ask(self) -> None:
        if isinstance(self.screen, QuitWindow):
            self.screen.dismiss(True)
        else:
            self.push_screen(QuitWindow(guest=self._on_quit is None), self._quit)

    def _quit(self, answer: bool | None) -> None:
        if answer:
            if self._on_quit is not None:
                self._send(commands.Quit(source=keys.SOURCE))
                self._on_quit()
            self.exit()

    # -- Esc, and letters that play -----------------------------------------------------------------

    def does_something(self, key: str) -> bool:
        """Tell whether a capital is bound; where letters play, none is."""
        return key in self._bound and not self._piano.on

    def pop_screen(self) -> AwaitComplete:
        """Close the window on top; where Esc did it, say so, for whoever meant panic by it."""
        if self.escaping:
            self.escaping = False
            self.shown.note("info", "Esc closed the window; 0 is panic")
        return super().pop_screen()

    def action_escape(self) -> None:
        """Panic; where the letters are piano keys, end that alone."""
        if self._piano.on:
            self.action_piano()
            self.shown.note("info", "Esc ended the piano; 0 is panic")
        else:
            self._send(commands.Panic(source=keys.SOURCE))

    # -- the computer's keyboard as a piano ------------------------------------------------------

    def action_piano(self) -> None:
        """Let letters play notes, or stop it."""
        self._piano.on = not self._piano.on
        for pitch in self._piano.release():
            self._send(commands.PlayKey(pitch, 0, source=keys.SOURCE))
        self._hint()

    def on_key(self, event: events.Key) -> None:
        """Play a letter's note, when letters do."""
        if not self._piano.on or len(self.screen_stack) > 1:
            return
        pitch = self._piano.press(event.key)
        if pitch is None:
            if self._piano.shift(event.key):
                self._hint()
            elif event.key in self._ends or not (len(event.key) == 1 and event.key.isalnum()):
                return
            event.prevent_default()  # a letter beside those that play changes nothing, either
            return
        event.prevent_default()
        self._send(commands.PlayKey(pitch, source=keys.SOURCE))
        self.set_timer(piano.NOTE_SECONDS, lambda: self._note_end(pitch))

    def _note_end(self, pitch: int) -> None:
        """End a note whose key has not been struck again since."""
        if self._piano.expire(pitch):
            self._send(commands.PlayKey(pitch, 0, source=keys.SOURCE))
