"""Modules that Pyodide lacks, as far as a run needs them. The lab puts them under their names."""
