"""``mulligan export``: write a generator for use elsewhere."""

import re
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from mulligan.cli.document import Document
from mulligan.cli.options import File, Force, OtherModel, Word
from mulligan.errors import ConfigError


def command(
    model: Annotated[Positional[OtherModel], arg(metavar="[MODEL]", help_behavior_hint="")] = None,
    *,
    to: Annotated[Word, arg(metavar="onnx|torch|npz|html|report")] = None,
    out: File = None,
    force: Force = False,
) -> Document:
    """Take a generator or a run elsewhere: ONNX, a PyTorch module, NumPy arrays, or a page.

    --to html is a page that draws by itself: a seed box, the picture, classes and walks, in any browser, offline. --to
    report is a run as one page: what it was, how it went, how good it is. Without MODEL, mnist is taken.

    Example:
    $ mulligan export --to html
    $ mulligan export runs/quick-1 --to html --out digits.html
    $ mulligan export runs/quick-1 --to report --out for-the-record.html

    Parameters
    ----------
    to
        The format (default: by the ending of --out).
    out
        The file (default: the model's name). An older export there is overwritten.
    """
    from mulligan.cli.outputs import protected, stem
    from mulligan.doors.write import check_out
    from mulligan.models import bundled, load
    from mulligan.output.export import FORMATS, export, format_of, outputs

    if to == "report":
        if model is None:
            raise ConfigError("--to report needs a run folder, got none. Try runs/quick-1.")
        files = _write_report(model, out, force)
    else:
        to = format_of(to, out)
        generator = bundled() if model is None else load(model)
        if out is None:
            name = "mulligan-mnist" if model is None else stem(model)
            module = re.sub(r"\W|^(?=\d)", "_", name)
            out = Path(f"{module if to == 'torch' else name}{FORMATS[to]}")
        elif out.name and not out.suffix:
            out = out.with_name(f"{out.name}{FORMATS[to]}")
        check_out(outputs(out, to), [FORMATS[to]], protected(out, model, generator.spec.data), force=force)
        files = export(generator, out, to, force=force)
    sizes = [{"path": str(path), "bytes": path.stat().st_size} for path in files]
    lines = [f"{file['path']}: {file['bytes']:,} bytes" for file in sizes]
    return Document({"model": None if model is None else str(model), "to": to, "files": sizes}, lines)


def _write_report(run: Path, out: Path | None, force: bool) -> list[Path]:
    from mulligan.cli.outputs import protected
    from mulligan.doors.write import check_out
    from mulligan.report import write_report
    from mulligan.training import RunFolder

    usual = RunFolder.of(run).report
    if out is not None and not (out.exists() and usual.exists() and out.samefile(usual)):
        check_out([out], [".html"], protected(out), force=force)
    return [write_report(run, out)]
