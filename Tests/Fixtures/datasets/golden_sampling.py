"""Prints the golden values of SamplerTests.swift, from an implementation of its own: python3 golden_sampling.py."""

MASK = 0xFFFFFFFF


def philox(counter, key):
    """Philox4x32-10 (Salmon et al., SC'11)."""
    (a, b, c, d), (k0, k1) = counter, key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (p1 >> 32) ^ b ^ k0, p1 & MASK, (p0 >> 32) ^ d ^ k1, p0 & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return a, b, c, d


def words(seed, stream, epoch, position):
    return philox((position & MASK, position >> 32, stream, epoch), (seed & MASK, seed >> 32))


def integer(four, draw, bound):
    return (four[2 * draw] | four[2 * draw + 1] << 32) * bound >> 64


def shuffled(count, seed, epoch):
    order = list(range(count))
    for last in range(count - 1, 0, -1):
        other = integer(words(seed, 2, epoch, last), 0, last + 1)
        order[last], order[other] = order[other], order[last]
    return order


def examples(order, labels, seed, stream, epoch, positions):
    """Rows of (anchor, pair partner, pair target, positive, negative)."""
    by_class = sorted(range(len(labels)), key=lambda i: (labels[i], i))
    for position in positions:
        four, anchor = words(seed, stream, epoch, position), order[position]
        peers = [i for i in by_class if labels[i] == labels[anchor] and i != anchor]
        strangers = [i for i in by_class if labels[i] != labels[anchor]]
        pool = peers if four[2] & 1 else strangers
        yield (anchor, pool[integer(four, 0, len(pool))], four[2] & 1,
               peers[integer(four, 0, len(peers))], strangers[integer(four, 1, len(strangers))])


labels = [i * 7 % 10 for i in range(100)]
training = zip(*examples(shuffled(100, 42, 3), labels, 42, 3, 3, range(8)))
for name, values in zip(("anchors", "partners", "targets", "positives", "negatives"), training):
    print("epoch 3", name, list(values))
validation = list(zip(*examples(range(100), labels, 42, 5, 0, range(8))))
print("validation partners", list(validation[1]), "targets", list(validation[2]))
