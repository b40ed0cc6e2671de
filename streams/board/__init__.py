"""What the growth team looks at: pages of panels, each a question in SQL with its picture.

It only reads the store, through what `headwater query` reads through, and serves its own script,
style and charts: a browser asks nobody else.
"""

from __future__ import annotations

from streams.board.run import board_access, board_beside, run_board

__all__ = ["board_access", "board_beside", "run_board"]
