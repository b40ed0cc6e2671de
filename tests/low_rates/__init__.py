"""Small games at real base rates: is what is served ever worse than what anybody could say?"""
