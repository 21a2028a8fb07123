"""Every error ends as a sentence and is one line, wherever its text stands beside it."""

import ast
from pathlib import Path

import mulligan
from mulligan import errors

SOURCE = Path(mulligan.__file__).parent
ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}


def texts(node):
    """Return the literal parts of a message, with ‹› for what is known only when it is written."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(texts, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return texts(node.left) + texts(node.right)
    return "‹›"


def test_messages_are_sentences():
    messages = [
        texts(call.args[0])
        for path in SOURCE.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and call.args and ast.unparse(call.func) in ERRORS
    ]
    assert len(messages) > 200
    assert [text for text in messages if "\n" in text or not text.endswith((".", "?", "‹›"))] == []
