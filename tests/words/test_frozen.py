"""Values that are made quickly behave like frozen dataclasses with slots."""

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, astuple, dataclass, field, fields, replace

import pytest

from parallel_orchestra.frozen import frozen


@frozen
class Place:
    """Where something is."""

    name: str
    size: int = 1
    parts: list[str] = field(default_factory=list)
    seen: str = field(default="", compare=False, repr=False)


@frozen
class Town(Place):
    mayor: str = ""


@dataclass(frozen=True, slots=True)
class Same:
    """Where something is, as the standard library makes it."""

    name: str
    size: int = 1
    parts: list[str] = field(default_factory=list)
    seen: str = field(default="", compare=False, repr=False)


@frozen
class Alone:
    name: str


@frozen
class Nothing:
    pass


@frozen
class Loud:
    name: str

    def __repr__(self) -> str:
        return self.name.upper()


def test_a_value_takes_its_fields_by_place_by_name_and_by_default():
    first, then = Place("a"), Place("b", parts=["c"], size=2)

    assert astuple(first) == ("a", 1, [], "")
    assert astuple(then) == ("b", 2, ["c"], "")


def test_no_two_values_share_what_is_made_for_each():
    assert Place("a").parts is not Place("a").parts


@pytest.mark.parametrize("given", [{}, {"name": "a", "colour": "red"}])
def test_what_a_class_does_not_take_is_refused_as_by_any_function(given):
    with pytest.raises(TypeError, match=r"Place\.__init__\(\)"):
        Place(**given)


def test_the_fields_of_a_value_stay_what_they_are():
    place = Place("a")

    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'name'"):
        place.name = "b"
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'name'"):
        del place.name
    assert place.name == "a"


def test_a_value_has_no_room_for_anything_else():
    assert not hasattr(Place("a"), "__dict__")


def test_values_are_equal_by_what_is_to_be_compared():
    assert Place("a", seen="here") == Place("a", seen="there")
    assert Place("a") != Place("b")
    assert Alone("a") == Alone("a")
    assert Nothing() == Nothing()


def test_values_of_two_classes_are_never_equal():
    assert Place("a") != Town("a")
    assert Place("a") != Same("a")
    assert Alone("a") != "a"


def test_equal_values_have_one_place_in_a_set():
    values = {Alone("a"), Alone("a"), Alone("b"), Nothing(), Nothing()}

    assert len(values) == 3


@pytest.mark.parametrize("size", [1, 2])
def test_a_value_is_shown_as_a_dataclass_is(size):
    assert repr(Place("a", size)) == repr(Same("a", size)).replace("Same", "Place")


def test_a_class_keeps_the_methods_it_has_itself():
    assert repr(Loud("a")) == "A"


def test_a_class_takes_the_fields_of_the_one_it_is_made_of():
    town = Town("a", 2, mayor="m")

    assert [one.name for one in fields(town)] == ["name", "size", "parts", "seen", "mayor"]
    assert (town.name, town.size, town.mayor) == ("a", 2, "m")
    assert isinstance(town, Place)


def test_a_changed_value_is_another_one():
    place = Place("a")

    assert replace(place, size=3) == Place("a", 3)
    assert place.size == 1


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))]
)
def test_a_value_can_be_copied_and_sent(again):
    town = Town("a", 2, ["b"], "c", "d")

    assert again(town) == town
    assert again(town).seen == "c"


def test_values_are_matched_by_place():
    match Place("a", 2):
        case Place(name, size):
            assert (name, size) == ("a", 2)


def test_what_has_no_words_of_its_own_is_called_by_its_name():
    assert (Place.__doc__, Alone.__doc__) == ("Where something is.", "Alone")


def test_a_class_has_the_signature_of_a_dataclass_before_its_first_value():
    @frozen
    class Unmade:
        name: str
        size: int = 1

    assert list(inspect.signature(Unmade).parameters) == ["name", "size"]
    assert inspect.signature(Unmade).parameters["size"].default == 1
    assert Unmade("a") == Unmade("a", 1)
