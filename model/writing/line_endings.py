"""How a line's phrases end: what its last note adds to the score of a draft.

Drafts end less often than music does: their last note lies nearer to the phrase's end, and they seldom rest
behind it.  Each number below is the log of how often true next phrases end so, over how often drafts do;
counted on one voice of the validation split (400 phrases, 464 drafts).  The ranker tells which of several
drafts goes on best; this is added to it.  On which degree of the key the last note lies says nothing: drafts
end on the tonic as often as music does.
"""

from model.music.phrase import Phrase
from model.music.tracks import MELODY
from model.writing.wish import STEPS

LAST = ((2, -0.11), (4, -0.11), (8, 0.45), (STEPS, 1.05))
"""By steps from the last onset to the phrase's end, up to each number."""
RESTING, SOUNDING = 0.80, -0.07
"""Where an eighth or more is silent behind the last note, and where not."""
REST = 2  # steps
WEIGHT = 3.0  # of all this beside the ranker's score


def closes(phrase: Phrase) -> float:
    """Return what the ending of a phrase of one voice adds to its score; 0 for one without a melody."""
    line = phrase.part(MELODY).notes
    if not line:
        return 0.0
    last = line[-1]
    left = STEPS - last.onset
    found = next(odds for steps, odds in LAST if left <= steps)
    return WEIGHT * (found + (RESTING if left - last.length >= REST else SOUNDING))
