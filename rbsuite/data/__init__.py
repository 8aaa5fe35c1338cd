"""Data packs: upstream benchmark data, imported or fetched at run time, never part of rbsuite.

- :mod:`rbsuite.data.directory`: where packs live.
- :mod:`rbsuite.data.packs`: what a pack and its importer are; how to import, load and verify a pack.
- :mod:`rbsuite.data.checkout` and :mod:`rbsuite.data.literals`: read a source checkout as data, never executing it.
- :mod:`rbsuite.data.download` and :mod:`rbsuite.data.archives`: a resumable download and a bounded, safe extraction.
- :mod:`rbsuite.data.fetch`: download, extract, check and import in one step.
- :mod:`rbsuite.data.staging`: a directory that is replaced as a whole or not at all.
"""
