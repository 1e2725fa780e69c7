"""Turns files into a .cpp that puts them into the binary, each as it is and, where that is smaller, brotli and gzip.

    embed.py --cpp OUT.cpp --bin OUT.bin NAME=FILE… PREFIX/=FOLDER…

OUT.bin has all bytes one after the other; OUT.cpp includes it and has the table telltale::api::embedded_files() of
src/api/embedded.hpp. A folder's files are named PREFIX/ and their path in it. Needs Debian's `brotli`.
"""
import argparse
import gzip
import hashlib
import pathlib
import subprocess

WORTH = 0.9  # a compressed form is kept when it is at most this much of the original
STORED = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".woff2", ".ico", ".map"}  # compressed already, or not for visitors
HEAD = '''// Made by tools/embed.py from the files named below.
#include "api/embedded.hpp"

asm(".section .rodata\\n"
    ".balign 16\\n"
    ".global telltale_embedded_bytes\\n"
    "telltale_embedded_bytes:\\n"
    ".incbin \\"%s\\"\\n"
    ".byte 0\\n"
    ".previous\\n");
extern "C" const char telltale_embedded_bytes[];

namespace telltale::api {
namespace {
const char* const kBytes = telltale_embedded_bytes;
const EmbeddedFile kEmbedded[] = {
'''
TAIL = '''    {},
};
}  // namespace

std::span<const EmbeddedFile> embedded_files() { return {kEmbedded, std::size(kEmbedded) - 1}; }

}  // namespace telltale::api
'''


def hidden(path: pathlib.Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def files_of(arguments):
    for argument in arguments:
        name, path = argument.split("=", 1)
        path = pathlib.Path(path)
        if not name.endswith("/"):
            yield name, path
        elif path.is_dir():
            for file in sorted(p for p in path.rglob("*") if p.is_file() and not hidden(p.relative_to(path))):
                yield name + file.relative_to(path).as_posix(), file


def brotli(data: bytes) -> bytes:
    return subprocess.run(["brotli", "--stdout", "--quality=11", "-"], input=data, capture_output=True, check=True).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cpp", required=True, type=pathlib.Path)
    parser.add_argument("--bin", required=True, type=pathlib.Path)
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()
    blob, rows = bytearray(), []
    for name, path in files_of(arguments.files):
        data = path.read_bytes()
        views = []
        packed = path.suffix in STORED
        for form in (data, b"" if packed else gzip.compress(data, 9, mtime=0), b"" if packed else brotli(data)):
            if form is not data and len(form) > WORTH * len(data):
                form = b""
            views.append(f"{{kBytes + {len(blob)}, {len(form)}}}")
            blob += form
        etag = hashlib.sha256(data).hexdigest()[:20]
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        rows.append(f'    {{"{quoted}", "{etag}", {", ".join(views)}}},\n')
    arguments.bin.write_bytes(blob)
    arguments.cpp.write_text(HEAD % arguments.bin.resolve() + "".join(rows) + TAIL)


if __name__ == "__main__":
    main()
