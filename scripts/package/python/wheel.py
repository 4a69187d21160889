#!/usr/bin/env python3
# Makes the wheel: the package beside this file, and the program as a script of the environment that it is installed into.
# Made by hand rather than by a build backend, so that it needs nothing but Python and takes a program that is built already.
#
#   scripts/package/python/wheel.py BINARY VERSION FOLDER    prints the wheel's path
import base64
import hashlib
import sys
import sysconfig
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAME = "telecomx_local"

METADATA = """\
Metadata-Version: 2.1
Name: telecomx-local
Version: {version}
Summary: The TelecomX mobile-config API as a local server for tests, with a pytest fixture
License: MIT
Requires-Python: >=3.9
Classifier: Framework :: Pytest
Classifier: Typing :: Typed
"""

WHEEL = """\
Wheel-Version: 1.0
Generator: telecomx-local
Root-Is-Purelib: false
Tag: {tag}
"""

ENTRY_POINTS = """\
[pytest11]
telecomx_local = telecomx_local.pytest_plugin
"""


def main(binary, version, folder):
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    tag = f"py3-none-{platform}"
    info = f"{NAME}-{version}.dist-info"
    files = {f"{NAME}/{path.name}": path.read_bytes() for path in sorted((HERE / NAME).iterdir()) if path.is_file()}
    files[f"{NAME}-{version}.data/scripts/telecomx-local"] = Path(binary).read_bytes()
    files[f"{info}/licenses/LICENSE"] = (HERE.parents[2] / "LICENSE").read_bytes()
    files[f"{info}/METADATA"] = METADATA.format(version=version).encode()
    files[f"{info}/WHEEL"] = WHEEL.format(tag=tag).encode()
    files[f"{info}/entry_points.txt"] = ENTRY_POINTS.encode()
    record = "".join(f"{name},sha256={digest(content)},{len(content)}\n" for name, content in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()

    path = Path(folder) / f"{NAME}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in files.items():
            # The same time in each, so that the same content makes the same wheel.
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (0o100755 if "/scripts/" in name else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(entry, content)
    print(path)


def digest(content):
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: wheel.py BINARY VERSION FOLDER")
    main(*sys.argv[1:])
