"""unzip -p ARCHIVE FILE, as Android's has it: the file's bytes on stdout, and exit code 11 where it is not there."""

import os
import sys
import zipfile

with zipfile.ZipFile(sys.argv[2]) as archive:
    if sys.argv[3] not in archive.namelist():
        sys.exit(11)
    os.write(1, archive.read(sys.argv[3]))
