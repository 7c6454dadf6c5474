// walkers.cc - random walkers in a maze: C++ with OpenMP, iostreams and
// exceptions
//
// Many walkers look for the way out of a square maze of random walls.  Each
// has its own generator, seeded by its number; one that is walled in, or gives
// up, throws.  Batches run under OpenMP; a std::thread of its own writes the
// log, fed through a queue.  Outputs:
//
//   walkers.log    a line per batch, appended by the logging thread
//   exits.csv      how every walker fared, appended in order
//   totals.txt     the totals so far, rewritten in place after every batch
//
// Results are collected by number, so the output does not depend on the order
// in which threads run.  Nothing here knows of checkpoints.
#include <condition_variable>
#include <deque>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <mutex>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace
{

struct Input {
    int size = 201;
    int batches = 40;
    int walkers = 200;
    long patience = 20000;
    double walls = 0.30;

    explicit Input(const std::string &name)
    {
        std::ifstream in(name);
        std::string key;
        while (in >> key) {
            if (key == "size")
                in >> size;
            else if (key == "batches")
                in >> batches;
            else if (key == "walkers")
                in >> walkers;
            else if (key == "patience")
                in >> patience;
            else if (key == "walls")
                in >> walls;
            else
                throw std::runtime_error(name + ": unknown key " + key);
        }
        if (!in.eof() || size < 3)
            throw std::runtime_error(name + ": not an input file");
    }
};

class GaveUp : public std::runtime_error
{
  public:
    explicit GaveUp(long steps)
        : std::runtime_error("gave up after " + std::to_string(steps))
    {
    }
};

class WalledIn : public std::runtime_error
{
  public:
    WalledIn() : std::runtime_error("walled in")
    {
    }
};

class Maze
{
  public:
    explicit Maze(const Input &in)
        : size_(in.size), wall_(static_cast<size_t>(in.size * in.size))
    {
        std::mt19937_64 rng(2024);
        std::bernoulli_distribution wall(in.walls);
        for (size_t i = 0; i < wall_.size(); i++)
            wall_[i] = wall(rng);
    }

    bool outside(int x, int y) const
    {
        return x < 0 || y < 0 || x >= size_ || y >= size_;
    }

    bool wall(int x, int y) const
    {
        return !outside(x, y) && wall_[static_cast<size_t>(y * size_ + x)];
    }

    // Steps until a walker that starts in the middle is out.
    long walk(int number, long patience) const
    {
        static const int dx[] = {1, 0, -1, 0}, dy[] = {0, 1, 0, -1};
        std::mt19937_64 rng(static_cast<unsigned>(number));
        int x = size_ / 2 + static_cast<int>(rng() % 41) - 20;
        int y = size_ / 2 + static_cast<int>(rng() % 41) - 20;
        if (wall(x, y))
            throw WalledIn();
        for (long step = 1; step <= patience; step++) {
            int d = static_cast<int>(rng() >> 62);
            if (wall(x + dx[d], y + dy[d]))
                continue;
            x += dx[d];
            y += dy[d];
            if (outside(x, y))
                return step;
        }
        throw GaveUp(patience);
    }

  private:
    int size_;
    std::vector<char> wall_;
};

// Writes what it is given, in order, from a thread of its own.
class Log
{
  public:
    explicit Log(const char *name) : out_(name), thread_([this] { run(); })
    {
    }

    ~Log()
    {
        say(std::string());
        thread_.join();
    }

    void say(std::string line)
    {
        std::lock_guard<std::mutex> hold(lock_);
        queue_.push_back(std::move(line));
        more_.notify_one();
    }

  private:
    void run()
    {
        std::unique_lock<std::mutex> hold(lock_);
        for (;;) {
            more_.wait(hold, [this] { return !queue_.empty(); });
            std::string line = std::move(queue_.front());
            queue_.pop_front();
            if (line.empty())
                return;
            out_ << line << std::endl;
        }
    }

    std::mutex lock_;
    std::condition_variable more_;
    std::deque<std::string> queue_;
    std::ofstream out_;
    std::thread thread_;
};

struct Totals {
    long out = 0, walled_in = 0, gave_up = 0, steps = 0;
};

class Simulation
{
  public:
    explicit Simulation(const Input &in)
        : in_(in), maze_(in), log_("walkers.log"), exits_("exits.csv"),
          totals_file_("totals.txt",
                       std::ios::in | std::ios::out | std::ios::trunc)
    {
    }

    Totals run()
    {
        for (int batch = 0; batch < in_.batches; batch++) {
            run_batch(batch);
            rewrite_totals(batch);
            log_.say("batch " + std::to_string(batch + 1) + ": " +
                     std::to_string(totals_.out) + " out");
        }
        return totals_;
    }

  private:
    // Exceptions end inside the parallel loop, as OpenMP wants it.
    void run_batch(int batch)
    {
        std::vector<std::string> how(static_cast<size_t>(in_.walkers));
        std::vector<long> steps(how.size(), 0);
#pragma omp parallel for schedule(dynamic, 8)
        for (int i = 0; i < in_.walkers; i++) {
            auto k = static_cast<size_t>(i);
            try {
                steps[k] = maze_.walk(batch * in_.walkers + i, in_.patience);
                how[k] = "out";
            } catch (const std::runtime_error &e) {
                how[k] = e.what();
            }
        }
        for (size_t k = 0; k < how.size(); k++)
            record(batch, static_cast<int>(k), how[k], steps[k]);
    }

    void record(int batch, int i, const std::string &how, long steps)
    {
        exits_ << batch * in_.walkers + i << ',' << how << ',' << steps << '\n';
        totals_.steps += steps;
        if (how == "out")
            totals_.out++;
        else if (how == "walled in")
            totals_.walled_in++;
        else
            totals_.gave_up++;
    }

    void rewrite_totals(int batch)
    {
        totals_file_.seekp(0);
        totals_file_ << "batches " << std::setw(10) << batch + 1 << '\n'
                     << "out     " << std::setw(10) << totals_.out << '\n'
                     << "walled  " << std::setw(10) << totals_.walled_in << '\n'
                     << "gave up " << std::setw(10) << totals_.gave_up << '\n'
                     << "steps   " << std::setw(20) << totals_.steps
                     << std::endl;
    }

    Input in_;
    Maze maze_;
    Log log_;
    std::ofstream exits_;
    std::fstream totals_file_;
    Totals totals_;
};

} // namespace

int main(int argc, char *argv[])
try {
    if (argc != 2)
        throw std::runtime_error("usage: walkers INPUT");
    Totals totals = Simulation(Input(argv[1])).run();
    std::cout << "walkers: " << totals.out << " out, " << totals.walled_in
              << " walled in, " << totals.gave_up << " gave up" << std::endl;
    return 0;
} catch (const std::exception &e) {
    std::cerr << "walkers: " << e.what() << std::endl;
    return 2;
}
