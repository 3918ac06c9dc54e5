"""Tables whose columns are NumPy arrays: one row a member of a session, grown as members join."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Column:
    """The declaration of one column; `width` 0 is a scalar per row."""

    dtype: type[np.generic]
    width: int
    fill: int | float


def column(dtype: type[np.generic], width: int = 0, fill: int | float = 0) -> Any:
    """Declare a column in the body of a `Table`."""
    return Column(dtype, width, fill)


class Table:
    """Equally long arrays, one attribute a column. Attributes are views of exactly `len(table)` rows."""

    columns: ClassVar[dict[str, Column]] = {}

    def __init_subclass__(cls) -> None:
        cls.columns = {name: value for name, value in vars(cls).items() if isinstance(value, Column)}

    def __init__(self) -> None:
        self._size = 0
        self._buffers = {name: _filled(spec, 0) for name, spec in self.columns.items()}
        self._show()

    def __len__(self) -> int:
        return self._size

    def grow(self, count: int) -> None:
        """Append `count` rows of fill values."""
        size = self._size + count
        for name, spec in self.columns.items():
            buffer = self._buffers[name]
            if size > len(buffer):
                larger = _filled(spec, max(size, 2 * len(buffer), 64))
                larger[: self._size] = buffer[: self._size]
                self._buffers[name] = larger
        self._size = size
        self._show()

    def take(self, rows: Array) -> Self:
        """A copy of some rows, in the given order."""
        return self.of({name: getattr(self, name).take(rows, axis=0) for name in self.columns})

    def put(self, rows: Array, other: Self) -> None:
        """Write rows back that `take` gave."""
        for name in self.columns:
            getattr(self, name)[rows] = getattr(other, name)

    def keep(self, rows: Array) -> None:
        """Forget every row but these."""
        kept = self.take(rows)
        self._buffers, self._size = kept._buffers, kept._size
        self._show()

    def stored(self) -> dict[str, Any]:
        """Copies of the columns that hold anything but their fill value, for a snapshot."""
        columns = {}
        for name, spec in self.columns.items():
            values = getattr(self, name)
            parts = {(name, at): values[:, at] for at in range(spec.width)} if spec.width else {(name, None): values}
            columns.update({key: part.copy() for key, part in parts.items() if (part != spec.fill).any()})
        return {"size": self._size, "columns": columns}

    @classmethod
    def of_stored(cls, state: dict[str, Any]) -> Self:
        """The table that `state` described."""
        table = cls()
        table.grow(state["size"])
        for (name, at), values in state["columns"].items():
            whole = getattr(table, name)
            (whole if at is None else whole[:, at])[:] = values
        return table

    @classmethod
    def of(cls, buffers: dict[str, Array]) -> Self:
        """A table of these columns, taken over as they are."""
        table = cls.__new__(cls)
        table._buffers = buffers
        table._size = len(next(iter(buffers.values())))
        table._show()
        return table

    def _show(self) -> None:
        for name, buffer in self._buffers.items():
            setattr(self, name, buffer[: self._size])


def _filled(spec: Column, size: int) -> Array:
    return np.full((size, spec.width) if spec.width else size, spec.fill, dtype=spec.dtype)
