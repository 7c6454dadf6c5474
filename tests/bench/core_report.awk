# core_report.awk - samples of core_speed.sh to the table of goals, and JSON
#
# A sample is "GROUP.NAME<tab>value"; figures are medians with their range.

function sorted(key, v,    n, i, j, x) {
    n = split(all[key], v, " ")
    for (i = 2; i <= n; i++) {
        x = v[i] + 0
        for (j = i - 1; j > 0 && v[j] + 0 > x; j--)
            v[j + 1] = v[j]
        v[j + 1] = x
    }
    return n
}

function median(key,    v, n) {
    n = sorted(key, v)
    return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

# The cheap measurements are disturbed from one side only.
function least(key,    v) {
    sorted(key, v)
    return v[1]
}

function range(key, scale,    v, n) {
    n = sorted(key, v)
    return sprintf("%.3g-%.3g", v[1] * scale, v[n] * scale)
}

function has(key) {
    return key in all
}

# One row: figure and limit as texts, the value that is compared, the goal.
function row(name, figure, limit, value, goal, at_least,    ok) {
    ok = at_least ? value >= goal : value <= goal
    printf "%-52s %-24s %-24s %9.3g %s %-7.3g %s\n", name, figure, limit,
        value, at_least ? ">=" : "<=", goal, ok ? "reached" : "NOT REACHED"
    printf "%s\n  {\"row\": \"%s\", \"figure\": \"%s\", \"limit\": \"%s\"," \
        " \"value\": %.6g, \"goal\": %.6g, \"at_least\": %s," \
        " \"reached\": %s}", nrows++ ? "," : "", name, figure, limit, value,
        goal, at_least ? "true" : "false", ok ? "true" : "false" > json
}

function unmeasured(name, why) {
    printf "%-52s not measured: %s\n", name, why
    printf "%s\n  {\"row\": \"%s\", \"reached\": null, \"why\": \"%s\"}",
        nrows++ ? "," : "", name, why > json
}

function text(key, scale, unit) {
    return sprintf("%.4g %s (%s)", median(key) * scale, unit,
        range(key, scale))
}

function pause_row(group, name) {
    if (!has(group ".pause_ms"))
        return unmeasured(name, "too little memory or disk")
    row(name ": over 1.5 fork + 5 ms", text(group ".pause_ms", 1, "ms"),
        "fork " text(group ".fork_ms", 1, "ms"), median(group ".pause_ms") / \
        (1.5 * median(group ".fork_ms") + 5), 1)
}

# A program that writes to huge pages while they are shared gets small ones.
function huge_row(group, which, name,    key) {
    key = group ".pause_" which "_ms"
    if (has(key))
        row(name, text(key, 1, "ms"), "fork " text(group ".fork_ms", 1, "ms"),
            median(key), 10)
}

# A fork makes each page cost a fault once, whoever writes the image.
function fault_rows(group,    pages, left) {
    if (!has(group ".fault_ns"))
        return
    pages = median(group ".memory_mb") * 1e6 / 4096
    left = 1 - pages * median(group ".fault_ns") / 1e9 / \
        median(group ".total_s")
    info("a page written after any fork: fault alone, with a copy",
        text(group ".fault_ns", 1, "ns"), text(group ".copy_ns", 1, "ns"))
    info("speed left when each page costs a fault alone",
        sprintf("%.3g", left > 0 ? left : 0), "")
}

# What is worth knowing and has no goal.
function info(name, figure, limit) {
    printf "%-52s %-24s %-24s\n", name, figure, limit
    printf "%s\n  {\"row\": \"%s\", \"figure\": \"%s\", \"limit\": \"%s\"}",
        nrows++ ? "," : "", name, figure, limit > json
}

# The program loses `lost_s` of its time at each checkpoint.
function speed_rows(group, what) {
    if (!has(group ".speed"))
        return
    row("speed while it is written, " what, text(group ".speed", 1, ""),
        "undisturbed 1", median(group ".speed"), 0.7, 1)
    row("lost to a checkpoint every 30 s, " what ", %",
        text(group ".lost_s", 1000, "ms"), "30000 ms",
        median(group ".lost_s") / 30 * 100, 2)
}

function criu_rows(group, criu) {
    if (!has(criu ".total_s"))
        return unmeasured("criu", "none that works here")
    info("criu, total and pause", text(criu ".total_s", 1, "s"), "ours " \
        text(group ".total_s", 1, "s") ", pause " \
        text(group ".pause_ms", 1, "ms"))
    info("criu, restart", text(criu ".restart_s", 1, "s"), "ours " \
        text(group ".restart_s", 1, "s"))
}

function total_row(group, name) {
    if (!has(group ".direct_s"))
        return unmeasured(name, "no O_DIRECT in this file system")
    row(name, text(group ".total_s", 1, "s"), "direct " \
        text(group ".direct_s", 1, "s"), median(group ".total_s") / \
        median(group ".direct_s"), 1.15)
}

function schedule_rows() {
    if (!has("schedule.with"))
        return unmeasured("throughput lost", "BENCH_SCHEDULE is too short")
    row("lost by a checkpoint every 30 s, 512 MiB", text("schedule.with", 1 / 30,
        "pages/s"), "without " text("schedule.without", 1 / 30, "pages/s"),
        1 - median("schedule.with") / median("schedule.without"), 0.02)
    row("the same in processor time of a page", text("schedule.with_cpu_ns", 1,
        "ns"), "without " text("schedule.without_cpu_ns", 1, "ns"),
        median("schedule.with_cpu_ns") / median("schedule.without_cpu_ns") - 1,
        0.02)
    info("a day of that: 2880 checkpoints cost", sprintf("%.0f s", 86400 * \
        (1 - median("schedule.with") / median("schedule.without"))), "86400 s")
}

function loop_rows(    names, n, i, k, ways, m) {
    n = split("fp write_read pread malloc_free open_close create_join getpid",
        names, " ")
    m = has("loop.plain.fp") ? split("relinked preloaded again", ways, " ") : 0
    for (i = 1; i <= n; i++)
        for (k = 1; k <= m; k++)
            row("run time: " names[i] ", " (ways[k] == "again" ? \
                "plain once more" : ways[k]),
                text("loop." ways[k] "." names[i], 1, "ns"),
                text("loop.plain." names[i], 1, "ns"),
                least("loop." ways[k] "." names[i]) / \
                least("loop.plain." names[i]), 1.02)
}

function start_row(name, way, base) {
    if (!has("start." way))
        return
    row(name ", ms over plain", text("start." way, 0.001, "ms"),
        text("start." base, 0.001, "ms"),
        (median("start." way) - median("start." base)) / 1000, 1)
}

function idle_row(way) {
    if (has("idle." way ".rss_kb"))
        row("idle memory, " way ", MB", text("idle." way ".rss_kb", 1, "kB"),
            text("idle.plain.rss_kb", 1, "kB"), (median("idle." way ".rss_kb") \
            - median("idle.plain.rss_kb")) / 1024, 2)
}

function restart_row(group, suffix, name, limit) {
    if (has(group ".restart" suffix "_s"))
        row(name ", ms", text(group ".restart" suffix "_s", 1000, "ms"),
            "read " text(group ".read_s", 1000, "ms"),
            median(group ".restart" suffix "_s") * 1000, limit)
}

function restart_rows(big,    z) {
    z = "zstd.512.1"
    restart_row("random." big ".1", "", "restart to first progress, " big \
        " MiB", 20)
    restart_row("random." big ".1", "__no_verify", "the same, --verify=no", 20)
    restart_row("few." big ".1", "", "restart of an increment, " big " MiB", 50)
    restart_row(z, "", "restart, 512 MiB zstd", 50)
    if (has(z ".restart__verify_first_s"))
        row("the same, --verify=first, over zstd -d",
            text(z ".restart__verify_first_s", 1000, "ms"), "zstd -d " \
            text(z ".unpack_s", 1000, "ms"),
            median(z ".restart__verify_first_s") / median(z ".unpack_s"), 1.3)
}

{
    if (!($1 in all))
        order[++nkeys] = $1
    all[$1] = all[$1] " " $2
}

END {
    printf "machine: %s\nmedians (min-max)\n\n", machine
    printf "{\"machine\": \"%s\",\n \"rows\": [", machine > json
    printf "%-52s %-24s %-24s %9s %s\n", "row", "figure", "limit", "value",
        "goal"
    r = "random." big
    pause_row(r ".1", "pause, " big " MiB, 4 KiB pages, 1 thread")
    pause_row(r ".4", "pause, " big " MiB, 4 KiB pages, 4 threads")
    huge_row("huge." big ".1", "first", "pause, " big " MiB in huge pages, ms")
    huge_row("huge." big ".1", "later", "the second, when they have been split, ms")
    few = "few." big ".1"
    if (has(few ".pause_ms"))
        row("pause of an increment, " big " MiB, 1 % changed, ms",
            text(few ".pause_ms", 1, "ms"), "fork " text(few ".fork_ms", 1,
            "ms"), median(few ".pause_ms"), 10)
    if (has(few ".pause_cpu_ms"))
        row("the same, processor time of it, ms", text(few ".pause_cpu_ms", 1,
            "ms"), "", median(few ".pause_cpu_ms"), 10)
    speed_rows(r ".1", "sweeping over its memory")
    fault_rows(r ".1")
    speed_rows("calc." big ".1", "computing")
    total_row(r ".1", "total, " big " MiB, durable")
    if (has(r ".1.writer_cpu_s"))
        info("processor time of the writer, " big " MiB",
            text(r ".1.writer_cpu_s", 1, "s"), "direct " \
            text(r ".1.direct_cpu_s", 1, "s"))
    if (has(few ".whole_s"))
        row("total of an increment, over the whole one",
            text(few ".total_s", 1, "s"), "whole " text(few ".whole_s", 1,
            "s"), median(few ".total_s") / median(few ".whole_s"), 0.05)
    criu_rows(r ".1", "criu." big ".1")
    schedule_rows()
    if (has(r ".1.image_mb"))
        row("image over memory, " big " MiB, MB",
            text(r ".1.image_mb", 1, "MB"), text(r ".1.memory_mb", 1, "MB"),
            median(r ".1.image_mb") - median(r ".1.memory_mb"), 8)
    if (has("zero.512.1.image_mb"))
        row("image of 512 MiB of zeros, MB",
            text("zero.512.1.image_mb", 1, "MB"), "",
            median("zero.512.1.image_mb"), 16)
    if (has("zstd.512.1.tool_s"))
        row("zstd, 512 MiB of fields: speed over zstd -1 -T2",
            text("zstd.512.1.total_s", 1, "s"), text("zstd.512.1.tool_s", 1,
            "s"), median("zstd.512.1.tool_s") / median("zstd.512.1.total_s"),
            0.8, 1)
    if (has("zstd.512.1.alone_s"))
        info("the same, zstd without the program beside it",
            text("zstd.512.1.total_s", 1, "s"),
            text("zstd.512.1.alone_s", 1, "s"))
    if (has("zstd.512.1.speed"))
        info("the program's speed meanwhile", text("zstd.512.1.speed", 1, ""),
            "undisturbed 1")
    restart_rows(big)
    loop_rows()
    start_row("start-up, relinked", "relinked", "plain")
    start_row("start-up, relinked, static", "relinked-static", "plain-static")
    start_row("start-up, preloaded", "preloaded", "plain")
    idle_row("relinked")
    idle_row("preloaded")

    printf "\n ],\n \"samples\": {" > json
    for (i = 1; i <= nkeys; i++) {
        list = substr(all[order[i]], 2)
        gsub(" ", ", ", list)
        printf "%s\n  \"%s\": [%s]", (i > 1) ? "," : "", order[i], list > json
    }
    printf "\n }}\n" > json
    print "# MiB pause_ms fork_ms total_s direct_s" > plot
    n = split(sizes, size, " ")
    for (i = 1; i <= n; i++) {
        g = "random." size[i] ".1"
        if (has(g ".pause_ms"))
            print size[i], median(g ".pause_ms"), median(g ".fork_ms"),
                median(g ".total_s"),
                has(g ".direct_s") ? median(g ".direct_s") : "-" > plot
    }
}
