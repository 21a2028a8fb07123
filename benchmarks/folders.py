"""Folders of pictures as makers have them on their disks: emoji, flags, icons, letters, avatars, tiles, game sprites.

    pip install resvg-py==0.5.0                                 # draws the sets that come as SVG
    nice python benchmarks/folders.py                           # all sets, under Mulligan's cache folder
    nice python benchmarks/folders.py --only flags icons --to DIR --sheets

Each set comes from packages of npm or Debian 13, by name and version, fetched by `npm pack` or `apt-get download` and
`dpkg -x`. `DIR/SET` then holds pictures and nothing else, transparency kept, each picture once. Beside it lie
`SET.txt`, which names packages, authors and licence, and with `--sheets` a sheet of 64 random pictures, `SET.png`.

Four sets are for tuning. Six are untouched: nobody computes anything on them until everything is settled, and then
once. docs/benchmarks/own-pictures.md lists all sets.
"""

import argparse
import hashlib
import io
import random
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import platformdirs
from PIL import Image, ImageDraw, ImageFont, ImageOps

Pictures = Iterator[bytes]
"""PNG files: all that one file of a package holds."""


def png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def as_it_is(path: Path, side: int, opaque: bool = False) -> Pictures:
    with Image.open(path) as image:
        if image.size == (side, side) and not (opaque and has_alpha(image)):
            yield path.read_bytes()


def of_any_size(path: Path) -> Pictures:
    yield path.read_bytes()


def drawn(path: Path, width: int) -> Pictures:
    import resvg_py

    yield bytes(resvg_py.svg_to_bytes(svg_path=str(path), width=width, skip_system_fonts=True))


def cut(path: Path, side: int) -> Pictures:
    """Cut a sheet into its tiles; those with nothing in them are left out."""
    with Image.open(path) as opened:
        sheet = opened.convert("RGBA")
    for y in range(0, sheet.height, side):
        for x in range(0, sheet.width, side):
            tile = sheet.crop((x, y, x + side, y + side))
            if tile.getchannel("A").getbbox():
                yield png(tile)


def letters(path: Path) -> Pictures:
    """Draw ten letters of a font, black on white, each as large as fits and in the middle."""
    font = ImageFont.truetype(path, 128)
    for letter in "ABCDEFGHIJ":
        ink = Image.new("L", (512, 512))
        ImageDraw.Draw(ink).text((256, 256), letter, font=font, fill=255, anchor="mm")
        fitted = ImageOps.pad(ink.crop(ink.getbbox()), (52, 52), Image.Resampling.LANCZOS)
        yield png(ImageOps.invert(ImageOps.expand(fitted, 6)))


AVATARS = ("adventurer", "big-smile", "micah", "open-peeps", "personas", "toon-head")
AVATARS_SCRIPT = """
import { mkdirSync, writeFileSync } from "node:fs";
import { createAvatar } from "@dicebear/core";
mkdirSync("avatars");
for (const style of process.argv.slice(2)) {
  const parts = await import(`@dicebear/${style}`);
  for (let seed = 0; seed < 500; seed++)
    writeFileSync(`avatars/${style}-${seed}.svg`, createAvatar(parts, { seed: String(seed) }).toString());
}
"""


def draw_avatars(place: Path) -> None:
    """Let DiceBear write 500 SVG files of each style."""
    (place / "avatars.mjs").write_text(AVATARS_SCRIPT)
    subprocess.run(["node", "avatars.mjs", *AVATARS], cwd=place, check=True)


@dataclass(frozen=True)
class Folder:
    """Where the pictures of a set come from: `NAME=VERSION` is a package of Debian, `NAME@VERSION` one of npm."""

    packages: tuple[str, ...]
    files: str
    read: Callable[[Path], Pictures]
    count: int
    licence: str
    prepare: Callable[[Path], None] = lambda place: None


TUNING = {
    "emoji-twitter": Folder(
        ("emoji-datasource-twitter@16.0.0",), "**/img/twitter/64/*.png", partial(as_it_is, side=64), 3752,
        "CC BY 4.0, Twemoji by Twitter, Inc. and other contributors",
    ),
    "sprites": Folder(
        ("wesnoth-1.18-data=1:1.18.5-1",), "**/units/**/*.png", partial(as_it_is, side=72), 4992,
        "GPL-2.0-or-later, some CC BY-SA 4.0, the artists of The Battle for Wesnoth",
    ),
    "letters": Folder(
        ("fonts-aenigma=0.0.20080511+dfsg-5",), "**/*.ttf", letters, 4567,
        "free to change and hand on if Brian Kent, the author of the fonts, is named",
    ),
    "flags": Folder(
        ("flag-icons@7.5.0",), "**/flags/4x3/*.svg", partial(drawn, width=64), 257,
        "MIT, flag-icons by Panayiotis Lipiridis",
    ),
}  # fmt: skip
UNTOUCHED = {
    "icons": Folder(
        ("papirus-icon-theme=20250501-1",), "**/Papirus/64x64/apps/*.svg", partial(drawn, width=64), 3717,
        "GPL-3.0, Papirus Development Team; the logos are trademarks of their owners",
    ),
    "avatars": Folder(
        ("@dicebear/core@9.4.3", *(f"@dicebear/{style}@9.4.3" for style in AVATARS)),
        "avatars/*.svg", partial(drawn, width=64), 2996,
        "CC BY 4.0, DiceBear's Adventurer by Lisa Wischofsky, Big Smile by Ashley Seo, Micah by Micah Lanier, Personas "
        "by Draftbit, Toon Head by Johan Melin; CC0 1.0, Open Peeps by Pablo Stanley",
        draw_avatars,
    ),
    "dungeon": Folder(
        ("angband-data=1:4.2.5+dfsg1-3",), "**/tiles/gervais/32x32.png", partial(cut, side=32), 2376,
        "CC BY 3.0, David Gervais",
    ),
    "textures": Folder(
        ("luanti-game-minetest=5.8.0.40.gc7be7c1-3", "minetest-mod-ethereal=20210923-1",
         "minetest-mod-homedecor=20210327.1-3", "minetest-mod-mesecons=1:1.2.1-2", "minetest-mod-moreblocks=2.2.0-2",
         "minetest-mod-pipeworks=20210414.1-3", "minetest-mod-xdecor=1.0+dfsg1-2"),
        "**/textures/*.png", partial(as_it_is, side=16, opaque=True), 539,
        "CC BY-SA 3.0, CC BY-SA 4.0, MIT and WTFPL, the authors of Minetest Game and of six of its mods",
    ),
    "creatures": Folder(
        ("supertux-data=0.6.3-3",), "**/images/creatures/**/*.png", of_any_size, 1206,
        "GPL-3.0-or-later, some CC BY-SA 4.0, the SuperTux team",
    ),
    "stamps": Folder(
        ("tuxpaint-stamps-default=2025.03.31-1",), "**/stamps/**/*.png", of_any_size, 961,
        "GPL-2.0, the artists of Tux Paint's stamps",
    ),
}  # fmt: skip
FOLDERS = TUNING | UNTOUCHED


def fetch(package: str, place: Path) -> None:
    """Unpack a package in `place`, one of npm where Node looks for it."""
    with tempfile.TemporaryDirectory() as download:
        call = partial(subprocess.run, cwd=download, check=True, stdout=subprocess.DEVNULL)
        if "=" in package:
            call(["apt-get", "download", package])
            call(["dpkg", "-x", *Path(download).iterdir(), place])
        else:
            call(["npm", "pack", "--silent", package])
            (archive,) = Path(download).iterdir()
            with tarfile.open(archive) as packed:
                packed.extractall(download, filter="data")
            shutil.move(Path(download, "package"), place / "node_modules" / package.rpartition("@")[0])


def lay_out(name: str, folder: Folder, to: Path) -> Path:
    """Write the pictures of a set to `to/name` and its licence beside them, unless they are there."""
    target, part = to / name, to / f".{name}"
    if target.exists():
        return target
    with tempfile.TemporaryDirectory() as unpacked:
        for package in folder.packages:
            fetch(package, Path(unpacked))
        folder.prepare(Path(unpacked))
        files = sorted(path for path in Path(unpacked).glob(folder.files) if not path.is_symlink())
        pictures = {hashlib.sha256(data).digest(): (path.stem, data) for path in files for data in folder.read(path)}
    if len(pictures) != folder.count:
        raise SystemExit(
            f"{name} must have {folder.count} pictures, got {len(pictures)}. Use Pillow 13, resvg-py 0.5.0."
        )
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for number, (stem, data) in enumerate(pictures.values()):
        (part / f"{number:04}-{stem}.png").write_bytes(data)
    (to / f"{name}.txt").write_text("\n".join([folder.licence, *folder.packages, ""]))
    return part.rename(target)


def has_alpha(image: Image.Image) -> bool:
    return image.convert("RGBA").getchannel("A").getextrema()[0] < 255


def described(name: str, files: list[Path]) -> str:
    sizes, transparent = set(), 0
    for path in files:
        with Image.open(path) as image:
            sizes.add(f"{image.width}×{image.height}")
            transparent += has_alpha(image)
    size = sizes.pop() if len(sizes) == 1 else "mixed"
    return f"| {name} | {len(files):,} | {size} | {transparent / len(files):.0%} |"


def sheet(files: list[Path]) -> Image.Image:
    """Show 64 random pictures on grey squares, which tell what is transparent."""
    board = Image.new("RGB", (576, 576), (230, 230, 230))
    for x in range(0, 576, 18):
        for y in range(0, 576, 18):
            board.paste((190, 190, 190), (x, y, x + 9, y + 9))
    for place, path in enumerate(random.Random(0).sample(files, min(64, len(files)))):
        image = Image.open(path).convert("RGBA")
        kind = Image.Resampling.BOX if max(image.size) > 64 else Image.Resampling.NEAREST
        image = ImageOps.contain(image, (64, 64), kind)
        board.paste(image, (place % 8 * 72 + 4, place // 8 * 72 + 4), image)
    return board


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=FOLDERS, default=list(FOLDERS), metavar="SET")
    parser.add_argument("--to", type=Path, default=platformdirs.user_cache_path("mulligan") / "folders", metavar="DIR")
    parser.add_argument("--sheets", action="store_true", help="a sheet of 64 random pictures beside each folder")
    arguments = parser.parse_args()
    print("| set | pictures | size | with transparency |\n|---|---|---|---|")
    for name in arguments.only:
        files = sorted(lay_out(name, FOLDERS[name], arguments.to).iterdir())
        print(described(name, files), flush=True)
        if arguments.sheets:
            sheet(files).save(arguments.to / f"{name}.png")


if __name__ == "__main__":
    main()
