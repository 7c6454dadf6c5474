# keep_names.py - files and names of every kind come, change and go: ROUNDS
import mmap
import os
import shutil
import sys

rounds = int(sys.argv[1])
data = open("in_place", "w+b", buffering=0)
data.write(bytes(3 << 20))
mapped = open("mapped", "w+b")
mapped.write(bytes(65536))
mapped.flush()
window = mmap.mmap(mapped.fileno(), 65536)
unlinked = open("unlinked", "w+")


def write(path, text, how="w"):
    with open(path, how) as f:
        f.write(text)


for i in range(rounds):
    line = "line %d\n" % i
    write("log", line, "a")  # opened anew for every line
    write("output.tmp", line * (i % 50 + 1))
    os.rename("output.tmp", "output")
    os.pwrite(data.fileno(), line.encode(), i * 7919 % (3 << 20))
    window[i * 37 % 60000 : i * 37 % 60000 + len(line)] = line.encode()
    here = "dir%d" % (i % 5)
    if os.path.isdir(here):
        os.rename(here, "moved")
        write("moved/file", line, "a")
        if i % 3 == 0:
            shutil.rmtree("moved")
        else:
            os.rename("moved", here)
    else:
        os.mkdir(here)
        write(here + "/file", line)
        os.symlink("file", here + "/link")
        os.link(here + "/file", here + "/other")
    if i % 7 == 0:
        os.truncate("log", max(0, os.path.getsize("log") - 3))
        os.chmod("output", 0o600 + i % 8)
    if i == rounds // 2:
        os.unlink("unlinked")
    unlinked.write(line)
    if i % 10 == 0:
        print(i, flush=True)
unlinked.seek(0)
print(len(unlinked.read()))
