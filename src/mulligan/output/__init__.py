"""Everything that Mulligan writes for others: generators, pictures, exports and pages.

- `generator/`: a trained generator and its file; read it first. `export/`: generators for other programs.
- `pictures/`: samples as pictures, and charts. `pages`: HTML in one file. `figures`: numbers as text.
- `readings`: how to show D's logits. `files`: writing a file whole or not at all.
"""
