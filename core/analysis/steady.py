"""Which label to show of verdicts that come several times a second.

Two labels that are about as probable would take turns with every picture. The one that is shown stays (hysteresis)
until another leads it clearly, or has been ahead of all for a while: a real change shows at once, a tie does not.
"""

from dataclasses import dataclass

from core import LABELS
from core.analysis.results import Verdict

MARGIN = 0.2  # of probability, by which another label must lead the one that is shown to replace it at once
PATIENCE = 0.8  # seconds for which another label must have been the most probable to replace it by less
NOTHING = ""  # in the place of a label: none stands out


@dataclass
class SteadyLabel:
    """The label that is shown of one model.

    Attributes:
        shown: one of ``LABELS``, ``NOTHING`` where none stands out, None where there is no verdict.
    """

    shown: str | None = None
    _ahead: str | None = None
    _since: float = 0.0

    def update(self, verdict: Verdict | None, at: float, floor: float = 0.0) -> str | None:
        """Takes the verdict of the next moment and returns what is shown from now on.

        Args:
            verdict: None has nothing shown at once, and the next verdict whatever it says.
            at: seconds; never less than before.
            floor: a highest probability below it says that nothing stands out. ``NOTHING`` replaces a label and is
                replaced by one as another label of this probability would be.
        """
        if verdict is None:
            self.shown = self._ahead = None
            return None
        best = verdict.label if verdict.probability >= floor else NOTHING
        if best == self.shown:
            self._ahead = None
            return self.shown
        if best != self._ahead:
            self._ahead, self._since = best, at
        lead = _probability(verdict, best, floor) - _probability(verdict, self.shown, floor)
        if self.shown is None or lead >= MARGIN or at - self._since >= PATIENCE:
            self.shown, self._ahead = best, None
        return self.shown


def _probability(verdict: Verdict, label: str | None, floor: float) -> float:
    return float(verdict.probabilities[LABELS.index(label)]) if label else floor
