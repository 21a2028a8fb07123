"""What leaves the house: generators, pictures, exports and pages.

- `generator/`: a trained generator and its file; read it first. `export/`: the same for other programs.
- `pictures/`: samples as pictures, and charts. `pages`: HTML that is one file. `figures`: numbers as people read them.
- `readings`: how D's logits are read. `files`: files that are whole or not there.
"""
