"""Blocks cover a range exactly; scratch belongs to one thread."""

import pytest

from mulligan.nn.blocks import BLOCK, LINE, blocks, even_parts


@pytest.mark.parametrize("start", [0, 5])
@pytest.mark.parametrize("n", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
def test_blocks_cover_a_range_once(start, n):
    parts = list(blocks(slice(start, start + n)))
    assert all(part.start % LINE == 0 for part in parts[1:])
    assert [i for part in parts for i in (part.start, part.stop)] == sorted(
        [start, start + n] * (n > 0) + [part.start for part in parts[1:]] * 2
    )
    assert all(0 < part.stop - part.start <= BLOCK for part in parts)


@pytest.mark.parametrize(("start", "n", "count"), [(0, 100, 3), (5, 1000, 2), (3, 10, 4), (0, 0, 2), (16, 16, 5)])
def test_even_parts_cover_a_range_once_and_begin_on_lines(start, n, count):
    parts = even_parts(slice(start, start + n), count)
    assert len(parts) == count
    assert [i for part in parts for i in range(part.start, part.stop)] == list(range(start, start + n))
    assert all(part.start % LINE == 0 or part.start in (start, start + n) for part in parts)
    if n >= 10 * LINE * count:
        assert max(part.stop - part.start for part in parts) - n / count <= LINE
