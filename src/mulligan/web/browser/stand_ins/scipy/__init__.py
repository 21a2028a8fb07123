"""The functions of SciPy that a run in training needs: the library is 20 MB to load."""
