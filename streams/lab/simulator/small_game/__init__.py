"""A game as most are: few payers, few campaigns, some of which make no difference at all."""

from streams.lab.simulator.small_game.game_log import game_end, game_records
from streams.lab.simulator.small_game.players import (
    NEVER_MS,
    PLACEBOS,
    Players,
    SmallGameRules,
    make_players,
)

__all__ = [
    "NEVER_MS",
    "PLACEBOS",
    "Players",
    "SmallGameRules",
    "game_end",
    "game_records",
    "make_players",
]
