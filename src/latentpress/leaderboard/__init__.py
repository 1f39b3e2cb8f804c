"""One table of everything that can be run here: rate against VTM, cost, and speed against JPEG XL.

It puts together what `latentpress.evaluation` measures and what `latentpress.report` knows of curves.
"""

from latentpress.leaderboard.competing import Contender, contenders
from latentpress.leaderboard.page import page
from latentpress.leaderboard.standings import Standing, standing_of

__all__ = ["Contender", "Standing", "contenders", "page", "standing_of"]
