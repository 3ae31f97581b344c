"""Les mots, un à un."""

from exercises.ex25_captions.grammar import CAPTIONS, END, START


def to_words(numbers):
    words = []
    for number in numbers:
        if CAPTIONS.words[number] == END:
            break
        if number and CAPTIONS.words[number] != START:
            words.append(CAPTIONS.words[number])
    return words
