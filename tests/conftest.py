"""What holds for all tests."""

from __future__ import annotations

import hypothesis

hypothesis.settings.register_profile("untimed", deadline=None)  # a busy machine is not a wrong result
hypothesis.settings.load_profile("untimed")
