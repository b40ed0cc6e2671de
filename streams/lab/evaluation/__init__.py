"""How well Headwater decides, judged by simulations whose truth is known."""
