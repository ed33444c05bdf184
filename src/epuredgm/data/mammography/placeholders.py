"""Values that stand for "not known" where a header or a cell must have one: they are unknown, never taken."""

from __future__ import annotations

import re

UNKNOWN = frozenset(  # words, in small letters
    (
        *(
            "",
            "na",
            "n/a",
            "n.a.",
            "#n/a",
            "nan",
            "none",
            "null",
            "nil",
            "<na>",
            "nd",
            "n/d",
            "?",
            "-",
            "--",
            ".",
        ),
        *(
            "unknown",
            "unk",
            "not known",
            "unspecified",
            "not specified",
            "undefined",
            "not defined",
            "missing",
        ),
        *(
            "not available",
            "not applicable",
            "not recorded",
            "no value",
            "empty",
            "blank",
            "xx",
            "xxx",
            "xxxx",
        ),
        *("removed", "deleted", "redacted", "withheld", "hidden", "masked", "anonymous", "anonymized"),
        *("anonymised", "deidentified", "de-identified", "confidential"),
    )
)
AGE = re.compile(r"(?:0+|9{3,}|-\d{1,4})(?:\.0*)?\s*[dwmy]?|x{1,3}[dwmy]?|[dwmy]", re.IGNORECASE)
SPACINGS = (0.0, 1.0, -1.0)  # mm: no detector has them, and pixels that are counted have 1
NOBODY = re.compile(
    r"(?:anon(?:y(?:m(?:ous|i[sz]ed)?)?)?|unknown|unk|none|null|nil|na|removed|deleted|redacted|withheld|masked|"
    r"hidden|deidentified|de|identified|ident|patient|patients|pat|subject|case|person|nobody|no|not|id|name|"
    r"number|test|dummy|default|blank|empty|missing|available|confidential|private|phantom|synthetic|x+)"
)
COUNTED = "12345678901234567890"


def is_unknown(text: str) -> bool:
    """Whether a text says in words that there is no value."""
    return text.strip(" \0").lower() in UNKNOWN


def is_no_age(text: str) -> bool:
    """Whether a text stands where an age should and is none: ``000Y``, ``999Y``, ``0``, ``-1``, words."""
    text = text.strip(" \0")
    return bool(text) and (is_unknown(text) or AGE.fullmatch(text) is not None)


def is_no_spacing(sides: list[float]) -> bool:
    """Whether the sides of a pixel are none: ``0\\0``, ``1\\1``, ``-1\\-1``."""
    return bool(sides) and all(side in SPACINGS for side in sides)


def is_nobody(text: str) -> bool:
    """Whether a name of a patient in a table or a path is none: empty, or words such as ``removed``."""
    words = [word for word in re.split(r"[^a-z0-9]+", text.lower()) if word]
    return is_unknown(text) or all(NOBODY.fullmatch(word) for word in words)


def is_placeholder(text: str) -> bool:
    """Whether Patient ID is none: as :func:`is_nobody`, or ``000000``, ``XXXX``, ``123456``."""
    plain = re.sub(r"[^a-z0-9]", "", text.lower())
    if len(set(plain)) == 1 and (len(plain) > 1 or plain == "0"):
        return True
    return is_nobody(text) or (len(plain) >= 5 and COUNTED.startswith(plain))
