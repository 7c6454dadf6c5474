# gen.awk - make C tables or a page of documentation from syscalls.tbl
#
#   awk -v out=c   -f gen.awk syscalls.tbl > syscalls.inc
#   awk -v out=doc -f gen.awk syscalls.tbl > syscalls.md
#
# syscalls.inc is a list of CKPT_SYSCALL(number, name, CHECK, arg, handler), in
# order of number, of the calls that do not simply pass; whoever includes it
# defines the macro.

BEGIN { FS = "\t" }

/^#/ || /^$/ { next }

NF < 6 || $1 !~ /^[0-9]+$/ || $1 <= last && seen {
    print FILENAME ":" FNR ": malformed or out of order" > "/dev/stderr"
    exit 1
}

{ last = $1 + 0; seen = 1 }

out == "c" && $5 != "pass" {
    check = toupper($5)
    arg = 0
    if (match(check, /-NZ[0-5]$/)) {
        arg = substr(check, length(check))
        check = "TRAP-NZ"
    }
    gsub("-", "_", check)
    handler = $6 == "-" ? "refused" : $6
    printf "CKPT_SYSCALL(%d, %s, %s, %d, %s)\n", $1, $2, check, arg, handler
}

out == "doc" && !headed {
    headed = 1
    print "# System calls in local and in remote mode\n"
    print "Made from `lib/wrap/syscalls.tbl`, where the columns are explained.\n"
    print "| number | call | class | local mode | remote mode | remark |"
    print "|---|---|---|---|---|---|"
}

out == "doc" {
    printf "| %d | `%s` | %s | %s | %s | %s |\n", $1, $2, $3, $4, $5, $7
}
