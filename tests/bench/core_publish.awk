# core_publish.awk - doc/performance.md with the table of another run
#
# What stands between the first two lines of ``` below "## The latest run" is
# replaced by the file `run`.

/^## / {
    here = $0 == "## The latest run"
}

here && /^```/ {
    print
    if (!inside)
        while ((getline line < run) > 0)
            print line
    inside = !inside
    here = inside
    next
}

!inside {
    print
}
