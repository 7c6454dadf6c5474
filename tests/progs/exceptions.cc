// exceptions.cc - C++: exceptions thrown after a restart, thread_local objects,
// static constructors, std::thread, iostreams
#include "tests/progs/prog.h"

#include <atomic>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

struct Counted {
    static std::atomic<int> alive;
    std::string text;
    Counted() : text("here")
    {
        alive++;
    }
    ~Counted()
    {
        alive--;
    }
};
std::atomic<int> Counted::alive;
static std::map<int, std::string> table = {{1, "one"}, {2, "two"}};
static thread_local Counted local;

static void fail(int depth)
{
    Counted c;
    if (depth == 0)
        throw std::runtime_error("deep");
    fail(depth - 1);
}

static void work(bool *ok)
{
    int before = Counted::alive;
    prog_check(local.text == "here");
    prog_wait();
    try {
        fail(20);
    } catch (const std::runtime_error &e) {
        *ok = std::string(e.what()) == "deep";
    }
    prog_check(local.text == "here" && Counted::alive >= before);
}

int main()
{
    bool ok = false;
    std::ostringstream out;

    prog_ready();
    std::thread t(work, &ok);
    prog_wait();
    t.join();
    prog_check(ok && table[2] == "two");
    out << 3.25 << ' ' << table.size();
    prog_check(out.str() == "3.25 2");
    return prog_end();
}
