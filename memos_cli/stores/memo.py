"""What a function makes of words, remembered: the fastest way from a list of words to what each becomes.

Owns: how much is remembered. Does not own: the functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator


class Memo(dict[str, str]):
    """By word: what `make` makes of it, for up to `most` words; then it begins anew.

    A dictionary, so that `each` runs without a line of Python for words that are known.
    """

    def __init__(self, make: Callable[[str], str], most: int) -> None:
        super().__init__()
        self._make = make
        self._most = most

    def __missing__(self, word: str) -> str:
        if len(self) >= self._most:
            self.clear()
        made = self[word] = self._make(word)
        return made

    def each(self, words: Iterable[str]) -> Iterator[str]:
        """What becomes of each of the words, in their order."""
        return map(self.__getitem__, words)
