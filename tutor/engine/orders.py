"""Which rows random epochs take, for many epochs at once: what `program.order` draws, in C where it can be.

NumPy makes a generator for each epoch, so that no other need be replayed to know it; that takes longer than to train a
tiny network on the rows. The C does the same steps, and is used if it draws what NumPy draws: another release of that
may draw otherwise.

Sources: O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for Random Number
Generation", 2014 (XSL RR 128/64), and "Developing a seed_seq Alternative", 2015; Lemire, "Fast Random Integer
Generation in an Interval", 2019; Fisher and Yates's shuffle.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from tutor.engine.compiled.building import Build, build
from tutor.engine.lesson import Lesson
from tutor.engine.program import order

TRIED = 6  # epochs that have to be drawn as NumPy draws them
LARGEST = 2**32  # a seed or an epoch from which on NumPy takes more words

SOURCE = """\
typedef long long whole;
typedef unsigned int word;
typedef unsigned long long twice;
#ifdef __SIZEOF_INT128__
typedef unsigned __int128 large;
struct pcg { large state, step; twice kept; int has; };
static word mixed(word value, word *by)
{
    value ^= *by;
    *by *= 0x931e8875u;
    value *= *by;
    return value ^ value >> 16;
}
static void turn(struct pcg *g)
{
    g->state = g->state * (((large)0x2360ed051fc65da4u << 64) + 0x4385df649fccf645u) + g->step;
}
static word next(struct pcg *g)
{
    if (g->has) { g->has = 0; return (word)(g->kept >> 32); }
    turn(g);
    twice x = (twice)(g->state >> 64) ^ (twice)g->state;
    int by = (int)(g->state >> 122);
    g->kept = x >> by | x << (-by & 63);
    g->has = 1;
    return (word)g->kept;
}
static word below(struct pcg *g, word count) /* 0 ... count - 1 */
{
    twice m = (twice)next(g) * count;
    if ((word)m < count) {
        word least = (0u - count) % count;
        while ((word)m < least) m = (twice)next(g) * count;
    }
    return (word)(m >> 32);
}
static word upto(struct pcg *g, word last) /* 0 ... last, as a shuffle draws it */
{
    word mask = last, x;
    for (int by = 1; by < 32; by *= 2) mask |= mask >> by;
    while ((x = next(g) & mask) > last) {}
    return x;
}
static void seeded(struct pcg *g, word seed, word epoch)
{
    word entropy[4] = {seed, 0, epoch, 0}, pool[4], by = 0x43b0d7e5u, words[8];
    for (int i = 0; i < 4; i++) pool[i] = mixed(entropy[i], &by);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            if (i != j) {
                word x = pool[j] * 0xca01f9ddu - mixed(pool[i], &by) * 0x4973f715u;
                pool[j] = x ^ x >> 16;
            }
    by = 0x8b51f9ddu;
    for (int i = 0; i < 8; i++) {
        word x = pool[i % 4] ^ by;
        by *= 0x58f38dedu;
        x *= by;
        words[i] = x ^ x >> 16;
    }
    twice part[4];
    for (int i = 0; i < 4; i++) part[i] = words[2 * i] | (twice)words[2 * i + 1] << 32;
    g->step = ((large)part[2] << 64 | part[3]) << 1 | 1;
    g->state = g->step;
    g->state += (large)part[0] << 64 | part[1];
    turn(g);
    g->has = 0;
}
whole draw(int *rows, whole count, whole shuffled, whole seed, whole first, whole stop)
{
    for (whole epoch = first; epoch < stop; epoch++, rows += count) {
        struct pcg g;
        seeded(&g, (word)seed, (word)epoch);
        for (whole i = 0; i < count; i++) rows[i] = shuffled ? (int)i : count > 1 ? (int)below(&g, (word)count) : 0;
        for (whole i = count - 1; shuffled && i > 0; i--) {
            whole j = upto(&g, (word)i);
            int x = rows[i];
            rows[i] = rows[j];
            rows[j] = x;
        }
    }
    return stop - first;
}
#else
whole draw(int *rows, whole count, whole shuffled, whole seed, whole first, whole stop) { return 0; }
#endif
"""


def drawn(lesson: Lesson, first: int, stop: int) -> np.ndarray:
    """int32 (epochs · examples,) the rows of epochs `first` to `stop` - 1, counted from 0."""
    training = lesson.training
    if training and 0 <= training.seed < LARGEST and stop <= LARGEST:
        draw = _builder().function
        if draw is not None and _draws_the_same(lesson.example_count, training.order == "shuffled"):
            rows = np.empty((stop - first) * lesson.example_count, np.int32)
            draw(rows.ctypes.data, lesson.example_count, training.order == "shuffled", training.seed, first, stop)
            return rows
    return np.concatenate([order(lesson, epoch) for epoch in range(first, stop)]).astype(np.int32)


@cache
def _builder() -> Build:
    return build(SOURCE, (), "draw", "pwwwww")


@cache
def _draws_the_same(count: int, shuffled: bool) -> bool:
    """Whether the C draws what NumPy does, of so many rows: in a few epochs of a seed."""
    rows, seed = np.empty(TRIED * count, np.int32), 20_250_117
    draw = _builder().function
    assert draw is not None
    if draw(rows.ctypes.data, count, shuffled, seed, 0, TRIED) != TRIED:
        return False
    for epoch in range(TRIED):
        rng = np.random.default_rng((seed, 0, epoch))
        true = rng.permutation(count) if shuffled else rng.integers(max(count, 1), size=count)
        if not np.array_equal(rows[epoch * count : (epoch + 1) * count], true):
            return False
    return True
