"""The MIL reference, which runs the ML program of a saved ``.mlpackage`` on any machine, in plain float arithmetic.

It reads the file that ships, its protobuf and its weight file, and computes what the program says, so it proves the
artifact. It is not Core ML: it knows nothing of compute units, of fused kernels or of how a device rounds.

::

    protobuf   Core ML's protobuf classes; the model file of a package
    package    the folder on disk -> the main function
    tensors    declared types, and the rounding that they ask for
    weights    constants, from the protobuf or the weight file -> arrays
    constexpr  compressed constants -> dense ones
    elementwise, shapes, linear, windows, normalize, quantize    one function per op; its keywords are the op's inputs
    kernels    the table: op -> function
    program    the plan, and running it

Door: program, protobuf.
"""
