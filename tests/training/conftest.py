"""Training is not installed: it runs from the repository."""

from __future__ import annotations

import sys
from pathlib import Path

# An optimizer loads this, and with it triton, when it is made. In a process that has opened a
# window before, triton's LLVM meets that of Mesa, and Python dies: so it is loaded first.
import torch._dynamo

__all__ = ["torch"]

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
