"""Names that Go reads from GODEBUG, by version.

Source: `internal/godebugs/table.go` and `dbgvars` in `runtime/runtime1.go` of Go 1.21.13 to 1.27.3.
Go silently ignores every other name; so an arm that sets one would compare nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_RUNTIME_NAMES: Final = """
adaptivestackstart asyncpreemptoff cgocheck clobberfree checkfinalizers containermaxprocs
dataindependenttiming decoratemappings disablethp dontfreezetheworld efence gccheckmark
gcpacertrace gcshrinkstackoff gcstoptheworld gctrace harddecommit inittrace invalidptr
madvdontneed memprofilerate panicnil profstackdepth runtimecontentionstacks sbrk scavtrace
scheddetail schedtrace traceadvanceperiod traceallocfree tracebackancestors tracebacklabels
tracecheckstackownership tracefpunwindoff updatemaxprocs
"""
RUNTIME: Final = frozenset(_RUNTIME_NAMES.split())
_LIBRARY_NAMES: Final = """
allowmultiplevcs cryptocustomrand embedfollowsymlinks execerrdot fips140 fips140ems
gocachehash gocachetest gocacheverify gotestjsonbuildtext htmlmetacontenturlescape
http2client http2debug http2server httpcookiemaxnum httplaxcontentlength httpmuxgo121
httpservecontentkeepheaders httpservecontentmaxranges installgoroot jstmpllitinterp
multipartmaxheaders multipartmaxparts multipathtcp netdns netedns0 randautoseed randseednop
rsa1024min tarinsecurepath tlsmaxrsasize tlsmlkem tlssecpmlkem tlssha1 urlmaxqueryparams
urlstrictcolons winreadlinkvolume winsymlink x509negativeserial x509rsacrt x509sha256skid
x509sslcertoverrideplatform x509usefallbackroots x509usepolicies zipinsecurepath
"""
LIBRARY: Final = frozenset(_LIBRARY_NAMES.split())
KNOWN: Final = RUNTIME | LIBRARY

IGNORED_SINCE: Final = {"allocfreetrace": "1.23", "gcrescanstacks": "1.11"}
"""Removed from the runtime: newer Go silently ignores them."""

FATAL_SINCE: Final[dict[str, tuple[str, frozenset[str]]]] = {
    "x509sha1": ("1.24", frozenset("1")),
    "tlskyber": ("1.24", frozenset("0")),
    "gotypesalias": ("1.27", frozenset("0")),
    "tlsunsafeekm": ("1.27", frozenset("1")),
    "tlsrsakex": ("1.27", frozenset("1")),
    "tls3des": ("1.27", frozenset("1")),
    "tls10server": ("1.27", frozenset("1")),
    "x509keypairleaf": ("1.27", frozenset("0")),
    "asynctimerchan": ("1.27", frozenset("12")),
}
"""Removed settings: since this version Go ends at start when one has one of these old values."""

HARMFUL: Final = {
    "checkfinalizers": "may end the program by itself",
    "gccheckmark": "stops the world for a second mark in every cycle, and aborts on a difference",
}
NEVER_FREES: Final = frozenset({"sbrk", "efence"})
"""With these the heap is never reused: memory only grows, until the OOM killer comes."""


def settings(text: str) -> Iterator[tuple[str, str]]:
    """Name and value of each setting in the text of a GODEBUG variable."""
    for item in text.split(","):
        name, _, value = item.strip().partition("=")
        if name:
            yield name, value


def is_known(name: str) -> bool:
    """Whether some Go 1.21 to 1.27 reads `name` (`cpu.avx512f` and the like: internal/cpu)."""
    return name in KNOWN or name in FATAL_SINCE or name.startswith("cpu.")
