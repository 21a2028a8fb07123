"""The shape of all error messages: what must hold, what came, what to try. Other tests need not repeat their words."""

import ast
import re
from pathlib import Path

import pytest

import mulligan
from mulligan import errors

SOURCE = Path(mulligan.__file__).parent
ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
VALUE = "‹›"
"""Stands for a value that is known only when the message is written."""
PRONOUNS = r"(it|this|that|these|those|they|there|you|we|what|which)\b"


def written(node):
    """Return a message with VALUE for everything that is not literal; of `must_be`, the sentence that it writes."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(written(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return written(node.left) + written(node.right)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "must_be":
        what, rule = map(written, node.args[:2])
        return f"{what} must be {rule}, got {VALUE}." + (
            f" Try {VALUE}." if len(node.args) > 3 or node.keywords else ""
        )
    return VALUE


def messages(text):
    calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and node.args)
    return [written(call.args[0]) for call in calls if ast.unparse(call.func) in ERRORS]


def faults(message):
    """Name the rules that a message breaks."""
    before, got, _ = message.partition(" got ")
    rules = {
        "is one line": "\n" not in message,
        "begins with the name of a thing": not re.match(PRONOUNS, message, re.IGNORECASE),
        "says what must hold, not that there is an error": not re.match("(invalid|error|wrong|bad)\\b", message, re.I),
        "ends as a sentence": message.endswith((".", "?", VALUE)),
        "says what must hold before what came": not got or re.search(r"\b(must|needs?)\b", before) is not None,
        "has what came behind a comma": not got or before.endswith(","),
    }
    return [rule for rule, holds in rules.items() if not holds]


@pytest.mark.parametrize("room", sorted({path.relative_to(SOURCE).parts[0] for path in SOURCE.rglob("*.py")}))
def test_every_message_has_the_shape_of_all(room):
    files = sorted((SOURCE / room).rglob("*.py")) or [SOURCE / room]
    wrong = [(path.name, message, faults(message)) for path in files for message in messages(path.read_text("utf-8"))]
    assert [each for each in wrong if each[2]] == []


def test_most_errors_have_their_message_beside_them():
    found = [message for path in SOURCE.rglob("*.py") for message in messages(path.read_text("utf-8"))]
    assert len(found) > 300
    assert sum(message == VALUE for message in found) < 0.1 * len(found)


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ('ConfigError(must_be("seed", "a whole number", text, 42))', 0),
        ('ConfigError(f"seed must be a whole number, got {text}. Try 42.")', 0),
        ('ConfigError(f"Invalid seed: {text}.")', 1),
        ('DataError("it must be a file, got a folder.")', 1),
        ('DataError(f"{path}: got a folder")', 3),
        ('ShapeError("x must be\\ny.")', 1),
    ],
)
def test_the_rules_can_be_broken(code, count):
    (message,) = messages(f"raise {code}")
    assert len(faults(message)) == count
