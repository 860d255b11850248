"""Songs: chains of scenes with bars each, and the set that they make; the performer or the bars lead on.

Owns: the place in the set.  Threads: engine only.
"""

from collections.abc import Callable, Sequence

from live.errors import UsageError
from live.ipc.jam_memory import SetPlace
from live.ipc.snapshot import SongView
from live.jam.jam import Jam
from live.settings.schema import Song, SongLink
from live.timing.timeline import Nanos, Tick

Calling = Callable[[int, int, Nanos], None]
"""Calls a scene: its number, over how many bars, the moment."""

NO_SONGS = "there are no songs: write [[song]] into live.toml"


class SongList:
    """The set of songs, and the place in it.

    Args:
        songs: of live.toml, in their order.

    Attributes:
        place: in the set.
    """

    def __init__(self, jam: Jam, call: Calling, songs: Sequence[Song]) -> None:
        self.place = SetPlace()
        self._jam, self._call, self._songs = jam, call, tuple(songs)
        self._run = jam.run

    def __len__(self) -> int:
        """Count the songs."""
        return len(self._songs)

    def restore(self, place: SetPlace) -> None:
        """Take up a place, if there is still such a one."""
        if 0 <= place.song < len(self) and place.link < len(self._songs[place.song].chain):
            self.place = place
        self._run = self._jam.run

    def choose(self, number: int, now: Nanos) -> None:
        """Go to the first scene of a song, by its number from 1; raises UsageError where there is none."""
        if not self._songs:
            raise UsageError(NO_SONGS)
        if not 1 <= number <= len(self):
            raise UsageError(f"there is no song {number}: the set has {len(self)}")
        self._go(number - 1, 0, now)

    def step(self, step: int, now: Nanos) -> None:
        """Go to the next scene of the song (1) or the one before (-1), over its ends to the next song.

        Raises:
            UsageError: there is none.
        """
        if not self._songs:
            raise UsageError(NO_SONGS)
        song, link = self.place.song, self.place.link + step
        if song < 0:
            song, link = 0, 0
        elif link >= len(self._songs[song].chain):
            song, link = song + 1, 0
        elif link < 0:
            song, link = song - 1, 0
        if not 0 <= song < len(self):
            raise UsageError(f"this is the {'last' if step > 0 else 'first'} scene of the set")
        self._go(song, link, now)

    def _go(self, song: int, link: int, now: Nanos) -> None:
        chain = self._songs[song].chain
        begins = self._nearest_bar(now)
        try:
            self._call(chain[link].scene, chain[link].over, now)
        finally:  # where that scene is empty, too: who leads on must get past it
            self.place, self._run = SetPlace(song, link, begins), self._jam.run
        name = self._songs[song].name
        self._jam.mark(f"song {song + 1}, scene {link + 1} of {len(chain)}", now)
        if link == 0:
            self._jam.notices.add("info", f"song {song + 1} of {len(self)}: {name}")

    def _nearest_bar(self, now: Nanos) -> int:
        """Return the bar on which what is called now begins: whoever is a little late meant the last line."""
        jam = self._jam
        if not jam.transport.running:
            return 0
        lines = jam.plan.lines
        return max(lines.bar, lines.bar_of(jam.sent_to(now) + lines.grid.ticks_per_bar // 2))

    # -- as bars go by ---------------------------------------------------------------------------

    @property
    def _link(self) -> SongLink | None:
        place = self.place
        return self._songs[place.song].chain[place.link] if place.song >= 0 else None

    def _due(self) -> Tick | None:
        """Return the tick at which the next scene of the song is called: half a step before its bar line."""
        link = self._link
        if link is None or not link.bars or self.place.link + 1 >= len(self._songs[self.place.song].chain):
            return None
        lines = self._jam.plan.lines
        bar = max(lines.bar, self.place.bar + link.bars)
        return Tick(lines.tick_of_bar(bar) - lines.grid.ticks_per_step // 2)

    def advance(self, tick: Tick, now: Nanos) -> None:
        """Call the next scene of the song when the bars of the present one have gone by."""
        if self._run != self._jam.run:  # the transport has begun at bar 0 again
            self._run = self._jam.run
            self.place = SetPlace(self.place.song, self.place.link, 0)
        due = self._due()
        if due is None or tick < due:
            return
        place = self.place
        try:
            self._go(place.song, place.link + 1, now)
        except UsageError as error:
            self._jam.notices.add("warning", f"song {place.song + 1}: {error}")

    def next_tick(self, tick: Tick) -> Tick | None:
        """Return when to come back; None where nothing is to come by itself."""
        due = self._due()
        return due if due is not None and due > tick else None

    def view(self, tick: Tick) -> SongView | None:
        """Return the song as dashboards show it; None where there is no set."""
        if not self._songs:
            return None
        link, place = self._link, self.place
        if link is None:
            return SongView(0, len(self), self._songs[0].name)
        song = self._songs[place.song]
        gone = max(0, self._jam.plan.lines.bar_of(tick) - place.bar)
        left = max(0, link.bars - gone) if link.bars else None
        following = self._songs[place.song + 1].name if place.song + 1 < len(self) else ""
        return SongView(
            place.song + 1, len(self), song.name, place.link + 1, len(song.chain), left, following
        )
