"""Values: frozen dataclasses with slots, made in a sixth of the time that `dataclasses` takes.

That writes six functions for a class and compiles each by itself, which was a third of what a run
spent on its start, and most of them are never called. Here all classes have the same ones but for
`__init__`, and that is written when the first value is made. It is also the quicker one: it sets
slots by themselves, not by name. `fields`, `replace` and their like know such a class.

Of what `dataclass` has besides, `field(default_factory=..., compare=..., repr=...)` is known here.
"""

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_told: object) -> Callable[[Any], Any]:
        """Tells type checkers what it decorates; `typing` has it from Python 3.11 on."""
        return lambda made: made


T = TypeVar("T")
#: The classes whose `__init__` is made with their first value.
_UNWRITTEN: set[type[Any]] = set()


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """Returns the class as `dataclass(frozen=True, slots=True)` would, without `__post_init__`."""
    own = set(vars(cls))
    # Python would look at the signature for one
    cls.__doc__ = cls.__doc__ or cls.__name__
    made = dataclass(init=False, repr=False, eq=False, slots=True)(cls)

    def first(self: object, *values: object, **named: object) -> None:
        """Takes the fields; gives way to one that is made for this class alone."""
        _write(made)
        made.__init__(self, *values, **named)

    for name, method in {"__init__": first, **_SHARED}.items():
        if name not in own:
            setattr(made, name, method)
    if "__init__" not in own:
        _UNWRITTEN.add(made)
    return made


def _write(cls: type[Any]) -> None:
    """Gives a class the `__init__` that is made for it."""
    cls.__init__ = _init(cls)
    _UNWRITTEN.discard(cls)


def _init(cls: type[Any]) -> Callable[..., None]:
    """Returns what takes the fields of a class and sets its slots."""
    names: dict[str, object] = {"MISSING": MISSING}
    taken, body = ["self"], []
    for one in fields(cls):
        name = one.name
        names[f"set_{name}"] = getattr(cls, name).__set__
        names[f"default_{name}"] = one.default
        names[f"make_{name}"] = one.default_factory
        value = name
        if one.default_factory is not MISSING:
            taken.append(f"{name}=MISSING")
            value = f"make_{name}() if {name} is MISSING else {name}"
        else:
            taken.append(name if one.default is MISSING else f"{name}=default_{name}")
        body.append(f" set_{name}(self, {value})")
    lines = (f"def __init__({', '.join(taken)}):", *(body or [" pass"]))
    exec("\n".join(lines), names)  # noqa: S102  # as `dataclasses` does: the names are of our code
    init: Callable[..., None] = names["__init__"]  # type: ignore[assignment]  # made by that line
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


@cache
def _compared(cls: type[Any]) -> Callable[[object], tuple[object, ...]]:
    """Returns what takes the fields out of a value by which it is equal to others."""
    names = [one.name for one in fields(cls) if one.compare]
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _values(value: Any) -> tuple[object, ...]:
    return _compared(value.__class__)(value)


class _Value:
    """The methods that all of them have."""

    __slots__ = ()

    def __repr__(self: Any) -> str:
        named = (one.name for one in fields(self) if one.repr)
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in named)
        return f"{type(self).__qualname__}({shown})"

    def __eq__(self: Any, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return _values(self) == _values(other)

    def __hash__(self: Any) -> int:
        return hash(_values(self))

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __reduce__(self: Any) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, one.name) for one in fields(self))


class _Signature:
    """Has who asks a class for its signature find it in the `__init__` that is made for it."""

    def __get__(self, value: object, cls: type[Any]) -> object:
        for one in _UNWRITTEN.intersection(cls.__mro__):
            _write(one)
        raise AttributeError


_SHARED = {
    **{name: method for name, method in vars(_Value).items() if callable(method)},
    "__signature__": _Signature(),
}
