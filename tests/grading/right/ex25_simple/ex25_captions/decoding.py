"""Une phrase après l'autre, mot à mot."""

import numpy as np

from exercises.ex25_captions.grammar import CAPTIONS, END, MAX_WORDS, START


def say(model, maps):
    speaker = model.get_layer("speaker")
    said, looked = [], []
    for each in maps:
        words = np.zeros((1, MAX_WORDS), np.uint8)
        words[0, 0] = CAPTIONS.numbers[START]
        sentence, attention = [CAPTIONS.numbers[START]], np.zeros((MAX_WORDS, len(each)))
        while len(sentence) <= MAX_WORDS and sentence[-1] != CAPTIONS.numbers[END]:
            t = len(sentence) - 1
            following, where = speaker([each[None], words])
            attention[t] = np.asarray(where)[0, t]
            sentence.append(int(np.argmax(following[0, t])))
            if t + 1 < MAX_WORDS:
                words[0, t + 1] = sentence[-1]
        said.append(sentence + [0] * (MAX_WORDS + 1 - len(sentence)))
        looked.append(attention)
    return np.array(said, np.uint8), np.array(looked)


def to_words(numbers):
    words = []
    for number in numbers:
        if CAPTIONS.words[number] == END:
            break
        if number and CAPTIONS.words[number] != START:
            words.append(CAPTIONS.words[number])
    return words
