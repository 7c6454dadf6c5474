# remote_report.awk - samples of remote_speed.sh to the table of goals, and JSON
#
# A sample is "ROW.SIDE<tab>value", one for each round.  Ratios are medians of
# the rounds' ratios.

function median_of(v, n,    i, j, x) {
    for (i = 2; i <= n; i++) {
        x = v[i] + 0
        for (j = i - 1; j > 0 && v[j] + 0 > x; j--)
            v[j + 1] = v[j]
        v[j + 1] = x
    }
    return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

function median(key,    v, i) {
    for (i = 1; i <= count[key]; i++)
        v[i] = sample[key, i]
    return median_of(v, count[key])
}

function ratio(key, limit,    v, n) {
    for (n = 0; n < count[key] && n < count[limit]; n++)
        v[n + 1] = sample[key, n + 1] / sample[limit, n + 1]
    return median_of(v, n)
}

function line_of(name, figure, against, limit, value, goal,    said) {
    said = goal == "" ? "" : value >= goal ? "reached" : "NOT REACHED"
    printf "%-44s %10.4g  %-14s %10.4g %8.3g %6s  %s\n", name, figure, against,
        limit, value, goal, said
    printf "%s\n  {\"row\": \"%s\", \"figure\": %.6g, \"against\": \"%s\"," \
        " \"limit\": %.6g, \"ratio\": %.6g, \"goal\": %s, \"reached\": %s}",
        nrows++ ? "," : "", name, figure, against, limit, value,
        goal == "" ? "null" : goal,
        goal == "" ? "null" : value >= goal ? "true" : "false" > json
}

function unmeasured(name, why) {
    printf "%-44s not measured: %s\n", name, why
    printf "%s\n  {\"row\": \"%s\", \"reached\": null, \"why\": \"%s\"}",
        nrows++ ? "," : "", name, why > json
}

function compare(row, side, limit, against, goal) {
    if (!count[row "." side])
        return
    if (count[row "." limit])
        line_of(names[row] suffix[side], median(row "." side), against,
            median(row "." limit), ratio(row "." side, row "." limit), goal)
    else
        unmeasured(names[row] suffix[side] " against " against,
            limit ~ /sshfs/ ? sshfs : "no samples")
}

function constant(row, side, limit, against, goal) {
    if (count[row "." side])
        line_of(names[row] suffix[side], median(row "." side), against, limit,
            median(row "." side) / limit, goal)
}

# A day of processor time of this job, by what its three runs cost home
# (remote_leverage.sh); in microseconds.
function leverage(example,    rate, start, commit, day, home) {
    if (!count[example ".home4"]) {
        unmeasured("leverage: " example, "its libraries or compiler are missing")
        return
    }
    day = 86400e6
    rate = (median(example ".home4") - median(example ".home")) / \
        (median(example ".job4") - median(example ".job"))
    rate = rate > 0 ? rate : 0
    start = median(example ".home") - rate * median(example ".job")
    commit = median(example ".commits") < 1 ? 0 : (median(example ".homec") - \
        start - rate * median(example ".jobc")) / median(example ".commits")
    home = start + rate * day + 24 * commit + 1440 * median("pool.quiet")
    printf "  %s: start %.1f ms, %.0f us a second, checkpoint %.1f ms, " \
        "daemons %.1f ms a minute; as given %.0f\n", example, start / 1e3,
        rate * 1e6, commit / 1e3, median("pool.quiet") / 1e3,
        median(example ".job") / median(example ".home")
    line_of("leverage: a day of " example, day / 1e6, "home cpu s", home / 1e6,
        day / home, 1300)
}

BEGIN { FS = "\t" }
{ sample[$1, ++count[$1]] = $2 }

END {
    names["null"] = "null call, 1/s"
    names["rnd4k"] = "4 KiB random read, 1/s"
    names["statfs"] = "statfs, 1/s"
    names["stat"] = "stat, 1/s"
    names["r64k"] = "64 KiB sequential read, MB/s"
    names["r1m"] = "1 MiB sequential read, MB/s"
    names["w64k"] = "64 KiB sequential write, MB/s"
    names["w1m"] = "1 MiB sequential write, MB/s"
    names["r64b"] = "64 B sequential read, MB/s"
    names["w64b"] = "64 B sequential write, MB/s"
    names["l64b"] = "64 B lines of a stream, MB/s"
    names["files"] = files " small files, files/s"
    suffix["line"] = ", over the line"
    suffix["static"] = ", static"
    suffix["mounted"] = ", ckpt-mount"
    suffix["trapped"] = ", trapped"
    suffix["remoteplain"] = ", plain"
    printf "%s\n%d rounds; the line: %d MB/s, 10 ms there and back\n\n",
        machine, rounds, line
    printf "%-44s %10s  %-14s %10s %8s %6s\n", "row", "figure", "against",
        "limit", "ratio", "goal"
    printf "{\"machine\": \"%s\", \"rounds\": %d, \"rows\": [", machine,
        rounds > json
    n = split("null rnd4k stat", calls, " ")
    for (i = 1; i <= n; i++)
        compare(calls[i], "remote", "aead", "raw AEAD", 0.8)
    n = split("r64k r1m w64k w1m", streams, " ")
    for (i = 1; i <= n; i++)
        compare(streams[i], "remote", "aead", "raw AEAD", 0.9)
    for (i = 1; i <= n; i++)
        compare(streams[i], "remoteplain", "plain", "raw TCP", 0.9)
    split("r64b w64b l64b", small, " ")
    for (i = 1; i <= 3; i++) {
        compare(small[i], "remote", "local", "local", 1)
        compare(small[i], "static", "local", "local", 1)
    }
    for (i = 1; i <= n; i++)
        constant(streams[i], "line", line, "the line", 0.75)
    compare("files", "line", "linesshfs", "sshfs", 3)
    split("statfs rnd4k stat r64k r1m w64k w1m r64b w64b", all, " ")
    for (i = 1; i <= 9; i++)
        compare(all[i], "remote", "sshfs", "sshfs", 3)
    for (i = 1; i <= n; i++)
        compare(streams[i], "line", "linesshfs", "sshfs", "")
    n = split("statfs rnd4k stat r64k r1m w64k w1m r64b w64b l64b files", all,
        " ")
    for (i = 1; i <= n; i++) {
        compare(all[i], "mounted", "trapped", "trapped", "")
        compare(all[i], "mounted", "besidesshfs", "sshfs", "")
        compare(all[i], "trapped", "besidesshfs", "sshfs", "")
    }
    if (nomount != "")
        unmeasured("ckpt-mount", nomount)
    if (count["nbody.home"] + count["heat.home"] + count["walkers.home"]) {
        leverage("nbody")
        leverage("heat")
        leverage("walkers")
    }
    printf "\n]}\n" > json
}
