"""The entropy coder: range asymmetric numeral systems (rANS) over integer probability tables.

Strings are those of CompressAI's "ans" coder, byte for byte. `CodingTables` is the fast way in: tables are
checked and indexed once, and batches of arrays go through it. `RansEncoder`, `BufferedRansEncoder` and
`RansDecoder` have the calls that code written for CompressAI expects.
"""

from latentpress.ans.coders import available_entropy_coders, get_entropy_coder, set_entropy_coder
from latentpress.ans.rans import BufferedRansEncoder, RansDecoder, RansEncoder
from latentpress.ans.tables import CodingTables, pmf_to_quantized_cdf

__all__ = [
    "BufferedRansEncoder",
    "CodingTables",
    "RansDecoder",
    "RansEncoder",
    "available_entropy_coders",
    "get_entropy_coder",
    "pmf_to_quantized_cdf",
    "set_entropy_coder",
]
