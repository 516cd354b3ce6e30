"""Made-up names: roads, estates, companies, people. None of them means anyone or anything real."""

from collections.abc import Iterator

from gisapp.demo.frame import Rng

MARK = "（虚构）"

_FIRST = "云青锦文华明瑞景永安泰和丰宏光星月松竹梅兰枫桂柳荷翠碧玉金银龙凤鹤鹿清澄远望朝晨晴春秋映曲"
_SECOND = "山溪林园台亭湖川岭塘桥门阁苑城原野洲浦泉坪岗滨峰谷霞岚波泽畈"
_ESTATE = ["花园", "家园", "新村", "小区", "雅苑", "名邸", "华庭", "公寓"]
_MAIN = {
    "north": "北环大道",
    "centre": "示范大道",
    "south": "南城大道",
    "west": "西苑大道",
    "middle": "中轴大道",
    "east": "东湖大道",
    "bypass": "样例国道东绕线",
    "ring": "内环快速路",
    "old_loop": "环城路",
    "radial_ne": "迎宾大道",
    "radial_sw": "跨江大道",
    "shore": "滨河路",
}

DISTRICT_NAMES = ["示范区" + MARK, "样板新区" + MARK]
RIVER = "样例河"
DEPARTMENT = "示范区城市管理执法局" + MARK
DEPARTMENT_CODE = "11000000DEMO000001"
HANDLERS = [f"演示执法员{n:02d}" for n in range(1, 37)]


def pairs(rng: Rng) -> Iterator[str]:
    """Two-character words in a random order, none twice."""
    words = [a + b for a in _FIRST for b in _SECOND]
    yield from (words[i] for i in rng.permutation(len(words)))


def road_name(role: str, kind: str, heading: float, word: str) -> str:
    """A main road's own name; else a word with 路 for east-west, 街 for north-south, 巷 for lanes."""
    if role:
        return _MAIN[role]
    if kind == "lane":
        return f"{word}巷"
    if kind == "track":
        return f"{word}村道"
    return f"{word}路" if abs(heading) < 45 else f"{word}街"


def estate_name(word: str, rng: Rng) -> str:
    return word + _ESTATE[int(rng.integers(len(_ESTATE)))]


def companies(rng: Rng, kinds: dict[str, tuple[int, str]]) -> dict[str, list[str]]:
    """For every kind so many company names, all different: word + trade + the mark of fiction."""
    word = pairs(rng)
    return {
        kind: [f"{next(word)}{trade}有限公司{MARK}" for _ in range(n)] for kind, (n, trade) in kinds.items()
    }


def person(number: int) -> str:
    """A stand-in for a person's name."""
    return f"演示人员{number:04d}"


def phone(number: int) -> str:
    """A number that no telephone has."""
    return f"000-{number:08d}"
