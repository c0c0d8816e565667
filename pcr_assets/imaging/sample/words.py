"""Names, attacks and sentences of the Wild Atlas, an invented game; the attacks of an element are its own."""
# ruff: noqa: SIM905 - a list of syllables reads best as a line of them

import numpy as np

Rng = np.random.Generator

_HEADS = "Bram Quil Fen Mur Tas Vell Or Zib Lun Kor Pip Sorr Nim Hal Wex Dru Ember Gri Yol Cass Tob Ru Ambe Sil".split()
_HEARTS = "a o i u ali ero enna ou ika umbo ella oro ifi andi".split()
_TAILS = "bit wick lorn dle moth quin rrow ndle fyr mop tusk vane kin ssel thorn ppet grim dou lisk bble".split()
_ATTACKS = {
    "ember": ("Cinder Hop", "Kiln Breath", "Ash Veil", "Coal Toss"),
    "tide": ("Undertow", "Brine Bite", "Foam Screen", "Ebb and Flow"),
    "grove": ("Root Clutch", "Pollen Haze", "Bark Slam", "Moss Nap"),
    "spark": ("Static Purr", "Jolt Line", "Storm Whisk", "Flicker"),
    "stone": ("Pebble Rain", "Slow Crush", "Echo Stomp", "Quarry Wall"),
    "gale": ("Gust Lift", "Feather Cut", "Whistle", "Cloud Dive"),
    "frost": ("Rime Kiss", "Ice Slide", "Hail Waltz", "Cold Snap"),
    "shade": ("Dusk Wink", "Hollow Stare", "Ink Step", "Lamp Eater"),
    "lumen": ("Gleam", "Prism Nod", "Halo Spin", "Noon Flare"),
}
_RULES = (
    "Turn the compass. On north, add {n}.",
    "Move one lantern to a resting ally.",
    "Your rival skips the next {n} winds.",
    "Heal {n} from each creature nearby.",
    "Look at {n} maps, keep one.",
    "This trail stays closed until dawn.",
    "Draw a path; the rival walks it.",
    "If the tide is high, double this.",
)
_LORE = (
    "Seen only by those who forget the way home.",
    "Collects buttons and hides them in the moss.",
    "Its song makes old lighthouses turn again.",
    "Travels under the snow from inn to inn.",
    "Mapmakers leave honey out for it at night.",
    "Nobody has ever counted all of its stripes.",
)
_PAINTERS = ("Ada Rill", "M. Okonde", "Tuva Lind", "Jo Perrin", "Ines Arco", "Bo Halloran")


def name(rng: Rng, hearts: int = 1) -> str:
    """One name of letters only, 5 to about 12 of them; about 4 more for each further heart."""
    middle = "".join(str(rng.choice(_HEARTS)) for _ in range(hearts) if rng.random() < 0.6)
    return str(rng.choice(_HEADS)) + middle + str(rng.choice(_TAILS))


def names(count: int, rng: Rng) -> list[str]:
    """`count` different names, longer ones once half of those that are shorter are taken: there are 7,200 with one heart, and
    the last of them would be waited for long, the next for ever."""
    found: dict[str, None] = {}
    hearts = 1
    while len(found) < count:
        if 2 * len(found) >= len(_HEADS) * len(_TAILS) * (1 + len(_HEARTS)) ** hearts:
            hearts += 1
        found.setdefault(name(rng, hearts))
    return list(found)


def attacks(element: str, rng: Rng) -> list[tuple[str, int, int, str]]:
    """Two attacks: name, cost, damage and rule."""
    titles = rng.choice(_ATTACKS[element], 2, replace=False)
    rules = rng.choice(_RULES, 2, replace=False)
    costs = sorted(int(cost) for cost in rng.integers(1, 5, 2))
    return [
        (str(title), cost, 10 * int(rng.integers(1, 5)) * cost, str(rule).format(n=int(rng.integers(1, 5)) * 10))
        for title, cost, rule in zip(titles, costs, rules, strict=True)
    ]


def lore(rng: Rng) -> str:
    """A sentence about the creature."""
    return str(rng.choice(_LORE))


def painter(rng: Rng) -> str:
    """Who is said to have painted the card."""
    return str(rng.choice(_PAINTERS))
