"""Copy the user's nets, so that measuring never touches them: modules, functions around them, and what these hold."""

import copy
import sys
import types
from collections import OrderedDict
from functools import partial
from typing import Any

_LIBRARIES = ("torch", "jax", "numpy", "scipy", "keras", "tensorflow", "flax", "mulligan")
_ATOMS = (type, types.ModuleType, types.BuiltinFunctionType, types.CodeType, str, bytes, int, float, complex)


class NetCopier:
    """Copies nets that may share parts, also tensors of a graph, and functions with their closures and globals."""

    def __init__(self) -> None:
        self.left_out: list[str] = []  # what cannot be copied, such as an open file
        self.modules: list[Any] = []  # of torch
        self.leaves: list[tuple[Any, Any]] = []  # tensors of torch beside their copies
        self._memo: dict[int, Any] = {}
        self._torch: Any = sys.modules.get("torch")

    def copy(self, x: Any) -> Any:
        """Return a copy of anything; raises what the object itself raises if it cannot be copied."""
        if x is None or isinstance(x, _ATOMS) or is_of_library(x):
            return x
        if id(x) not in self._memo:
            made = self._copy(x)
            self._memo.setdefault(id(x), made)
        return self._memo[id(x)]

    def _copy(self, x: Any) -> Any:
        kind: Any = type(x)
        if isinstance(x, tuple):
            return tuple.__new__(kind, [self.copy(each) for each in x])
        if isinstance(x, (list, set, dict)):
            return self._copy_container(x)
        if kind is types.FunctionType:
            return self._copy_function(x)
        if kind is types.MethodType:
            return types.MethodType(self.copy(x.__func__), self.copy(x.__self__))
        if kind is partial:
            return partial(self.copy(x.func), *self.copy(x.args), **self.copy(x.keywords))
        if self._torch is not None and isinstance(x, (self._torch.Tensor, self._torch.nn.Module)):
            return self._copy_of_torch(x)
        own = "__deepcopy__", "__reduce__", "__reduce_ex__", "__slots__"
        if hasattr(x, "__dict__") and not any(name in vars(each) for each in kind.__mro__[:-1] for name in own):
            return self._copy_object(x)
        return copy.deepcopy(x, self._memo)

    def _copy_of_torch(self, x: Any) -> Any:
        if isinstance(x, self._torch.Tensor):
            made = copy.deepcopy(x, self._memo) if x.is_leaf else x.detach().clone()
            self.leaves += [(x, made)] * x.is_leaf
            return made
        if isinstance(x, self._torch.jit.ScriptModule):
            raise TypeError("a module of torch.jit shares its program with its copies")
        self.modules.append(x)
        return self.copy(x._orig_mod) if hasattr(x, "_orig_mod") else self._copy_object(x)  # or compiled

    def _copy_container(self, x: Any) -> Any:
        """Copy a list, set or dictionary, also of a class of its own such as Keras's."""
        made = self._copy_object(x) if getattr(x, "__dict__", None) else copy.copy(x)
        self._memo[id(x)] = made
        base: Any = next(each for each in (OrderedDict, dict, set, list) if isinstance(x, each))
        items = [(self.copy(k), self.copy(v)) for k, v in x.items()] if isinstance(x, dict) else map(self.copy, x)
        base.clear(made)
        (base.extend if base is list else base.update)(made, items)
        return made

    def _copy_object(self, x: Any) -> Any:
        """Copy an object attribute by attribute, and leave out the attributes that cannot be copied."""
        kind: Any = type(x)
        made, state = kind.__new__(kind), dict[str, Any]()
        self._memo[id(x)] = made
        for name, value in self._state_of(x).items():
            try:
                state[name] = self.copy(value)
            except Exception:  # whatever an object of a stranger raises
                self.left_out.append(f"{type(x).__name__}.{name}")
        getattr(made, "__setstate__", made.__dict__.update)(state)  # an LSTM builds what it left out of its state
        return made

    def _state_of(self, x: Any) -> dict[str, Any]:
        """Return what is to be copied: a module of Lightning leaves its trainer, with all data, out of it."""
        try:
            state = x.__getstate__()
        except Exception:  # parametrized modules of torch refuse
            state = None
        return state if isinstance(state, dict) else vars(x)

    def _copy_function(self, f: types.FunctionType) -> types.FunctionType:
        cells = tuple(types.CellType() for _ in f.__closure__ or ())
        names: dict[str, Any] = {**f.__globals__}
        made = types.FunctionType(f.__code__, names, f.__name__, f.__defaults__, cells)
        made.__qualname__ = f.__qualname__
        made.__dict__.update(f.__dict__)
        self._memo[id(f)] = made
        made.__defaults__, made.__kwdefaults__ = self.copy(f.__defaults__), self.copy(f.__kwdefaults__)
        for cell, before, name in zip(cells, f.__closure__ or (), f.__code__.co_freevars):
            try:
                cell.cell_contents = self._copy_used(before.cell_contents)
            except Exception:  # also a cell that is still empty
                self.left_out.append(f"{f.__qualname__}: {name}")
        for name in used_names(f.__code__) & names.keys():
            try:
                names[name] = self._copy_used(names[name])
            except Exception:
                del names[name]
                self.left_out.append(f"{f.__qualname__}: {name}")
        return made

    def _copy_used(self, x: Any) -> Any:
        whole = not isinstance(x, type) and getattr(x, "nbytes", 0) > 32 * 2**20  # as a data set is
        return x if whole else self.copy(x)


def is_of_library(x: Any) -> bool:
    """Whether a function, or an array that never changes, belongs to a library; a large data set counts, too."""
    if any(each.__module__ == "torch.utils.data.dataset" for each in type(x).__mro__):
        return True
    home = getattr(x, "__module__", None) if isinstance(x, types.FunctionType) else type(x).__module__
    first = str(home).partition(".")[0]
    return first in _LIBRARIES if isinstance(x, types.FunctionType) else first in ("jax", "jaxlib")


def used_names(code: types.CodeType) -> set[str]:
    """Return the global names that a function and the functions inside it may use."""
    inside = (used_names(each) for each in code.co_consts if isinstance(each, types.CodeType))
    return set(code.co_names).union(*inside)
