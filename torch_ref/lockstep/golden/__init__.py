"""Golden files: what torch's optimizers compute, for implementations in any language.

A golden file holds, for one optimizer, trajectories computed by torch's class on the CPU: the
parameters it starts from, the gradients it is given, and after each step the parameters and every
state buffer; for several settings (cases), in float64 and float32. An implementation reads the
start and the gradients, takes the steps, writes its own parameters under the same names into a
safetensors file, and ``lockstep verify golden.safetensors candidate.safetensors`` compares them.

The file is in the safetensors format:

* 8 bytes: n, the length of the header, an unsigned 64-bit little-endian integer.
* n bytes: the header, a JSON object in UTF-8, padded with spaces. For each tensor
  ``"NAME": {"dtype": "F64" or "F32", "shape": […], "data_offsets": [begin, end]}``, and
  ``"__metadata__": {"manifest": "…"}``, whose only value is the manifest, itself JSON in a string.
* the rest: the tensors' elements, little-endian IEEE 754, in C order (the last axis is the
  fastest), without gaps. ``begin`` and ``end`` count bytes from the end of the header; in a golden
  file each tensor begins at a multiple of its elements' size.

The tensors (DTYPE is ``float64`` or ``float32``; CASE is 0, 1, …; PARAMETER is ``w0``, ``w1``):

===============================  ================  =================================================
``DTYPE/start/PARAMETER``        shape             before the first step, the same for all cases
``DTYPE/grad/PARAMETER``         (steps, …shape)   [i] is the gradient given to step i + 1, the same
                                                   for all cases
``DTYPE/CASE/param/PARAMETER``   (steps, …shape)   [i] is the parameter after step i + 1
``DTYPE/CASE/BUFFER/PARAMETER``  (steps, …its      [i] is the state buffer after step i + 1, under
                                 own shape)        torch's name and as torch defines it; most have
                                                   the parameter's shape, a number has none
===============================  ================  =================================================

The gradients are finite and awkward: some are 0, ±1e-30, 1e-8 or 1000, some rows are zero. For
SparseAdam, which takes the gradients of some rows, those that are zero are left out.

The manifest, which is also written beside the file, as ``NAME.json``, for people:

=================  ==============================================================================
``format``         ``"lockstep-golden"``
``version``        of the format, 2; a reader refuses another
``name``           of the optimizer, e.g. ``"Adam"``
``class``          that computed the file, e.g. ``"torch.optim.Adam"``
``torch``          the version of torch; empty where it was not installed, and the class is the
                   hand-written one, as ``"scratch.optim.Adam"``, which is proven equal to torch's
``steps``          their number, the same for every case
``parameters``     PARAMETER → shape
``tolerance``      DTYPE → the largest distance that counts as rounding, of an element from torch's
                   and relative to the largest magnitude that torch's has had so far
``cases``          a list, in the order of CASE, of ``hyperparameters`` (name → value: all that the
                   class was given; case 0 has the defaults) and ``buffers`` (PARAMETER → BUFFER,
                   torch's name → its shape)
``tensors``        the names above, as templates
=================  ==============================================================================

A candidate is a safetensors file too. For each DTYPE and CASE that it has anything of it must hold
``param`` of every parameter; the buffers are up to it, and compared if they are there. It may
repeat ``start`` and ``grad``, and has nothing else; its metadata are not read.

Two complete programs in plain JavaScript are in ``readers/``: ``reader.mjs`` reads such a file,
``adam.mjs`` takes Adam's steps and writes a candidate.

write        the files
verify       another implementation's beside them
manifest     what a file says of itself, and the names of its tensors
tensor_file  safetensors files, read with suspicion
"""

from torch_ref.lockstep.golden.tensor_file import GoldenError
from torch_ref.lockstep.golden.verify import Verification, verify
from torch_ref.lockstep.golden.write import all_names, file_name, pair_named, write_golden

__all__ = [
    "GoldenError",
    "Verification",
    "all_names",
    "file_name",
    "pair_named",
    "verify",
    "write_golden",
]
