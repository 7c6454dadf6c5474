# keep_sqlite.py - a database that grows and changes: MODE ROUNDS; prints what it holds
import sqlite3
import sys

mode, rounds = sys.argv[1], int(sys.argv[2])
db = sqlite3.connect("t.db", isolation_level=None)
db.execute("pragma journal_mode=" + mode)
db.execute("create table t(a integer primary key, b text, c int)")
x = 7
for i in range(rounds):
    db.execute("begin")
    for k in range(15):
        x = x * 16807 % 2147483647
        db.execute("insert into t(b, c) values(?, ?)", ("%x" % x * 10, x % 1000))
    db.execute('update t set b = b || "u" where c = ?', (x % 1000,))
    db.execute("delete from t where a = ?", (x % (i + 1),))
    db.execute("commit")
    if i % 10 == 0:
        print(i, flush=True)
        with open("log", "a") as log:  # opened anew for every line
            log.write("line %d\n" % i)
print(db.execute("select count(*), sum(c), sum(length(b)) from t").fetchall())
print(db.execute("pragma integrity_check").fetchall())
