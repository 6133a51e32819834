"""Finding a contestant's best settings by trying them. Standard library only."""

# A change has to gain this much: two measurements of the same differ by as much.
LEAST_GAIN = 1.02


def climb(start, changes, speed):
    """Tries each change once, on top of the best so far, and keeps what is faster.

    `speed(settings)` measures; it returns None where the settings do not work. Returns the best settings and all trials
    as (settings, speed).
    """
    best, best_speed = dict(start), speed(start)
    trials = [(best, best_speed)]
    for change in changes:
        candidate = best | change
        if candidate == best:
            continue
        reached = speed(candidate)
        trials.append((candidate, reached))
        if reached is not None and (best_speed is None or reached > LEAST_GAIN * best_speed):
            best, best_speed = candidate, reached
    return best, trials


def label(settings):
    """`{"joined": True, "adam": "fused", "channels_last": False}` → "joined, adam fused"."""
    words = [key.replace("_", " ") if value is True else f"{key.replace('_', ' ')} {value}"
             for key, value in settings.items() if value is not False and value is not None]
    return ", ".join(words) or "as it comes"


def seconds_for_each(left, cases_left, overhead, weight, least=1.0, most=8.0):
    """Seconds of one measurement so that `cases_left` cases end in `left` seconds.

    A case takes `overhead` seconds (start-up, compiling, tuning) and `weight` times the seconds of one measurement.
    """
    return min(most, max(least, (left / max(1, cases_left) - overhead) / weight))
