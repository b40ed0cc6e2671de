"""Maps settings to what each part takes: the only room that knows both.

`parts` makes the plain values of workers and rules, `store` opens the store, `named_file` and
`postbacks` read the files that settings name.
"""

__all__ = ["named_file", "parts", "postbacks", "store"]
