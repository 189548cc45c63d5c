# Runs a client: `python FOLDER FILE NAME`, where FOLDER is the one of this file. It is in the
# syntax of old Pythons, so that they can say what is wrong.
import sys

name = "".join(each + ": " for each in sys.argv[2:3])
if sys.version_info < (3, 9):
    sys.stderr.write(
        "streamlib client: %sversion_mismatch: Cannot run a processor with Python %d.%d (%s): "
        "it must be at least 3.9; set the host's option `python` to a newer one\n"
        % (name, sys.version_info[0], sys.version_info[1], sys.executable)
    )
    sys.exit(1)
if sys.implementation.name != "cpython":
    sys.stderr.write(
        "streamlib client: %sversion_mismatch: Cannot run a processor with %s (%s): it must be "
        "CPython; set the host's option `python` to one\n"
        % (name, sys.implementation.name, sys.executable)
    )
    sys.exit(1)

# The bytecode of the package is written into its own folder: without it, half of the start is spent
# on compiling. The same holds for modules of Python's own library that have none yet. Where this
# process may not write, Python goes on without a word.
sys.dont_write_bytecode = False
from streamlib_bridge._runner import main  # noqa: E402

sys.dont_write_bytecode = True

if __name__ == "__main__":
    main(sys.argv[1:])
