// remote_iostream.cc - C++ streams and std::filesystem
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

int main()
{
    namespace fs = std::filesystem;
    fs::create_directories("cxx/a/b");
    {
        std::ofstream out("cxx/a/b/data.txt");
        for (int i = 0; i < 1000; i++)
            out << i << ' ' << i * 0.5 << '\n';
    }
    std::fstream io("cxx/a/b/data.txt");
    std::string line;
    int lines = 0;
    while (std::getline(io, line))
        lines++;
    std::cout << lines << " lines, last " << line << '\n';
    io.clear();
    io.seekp(0);
    io << "first";
    io.close();
    std::ifstream in("cxx/a/b/data.txt");
    std::getline(in, line);
    std::cout << line << ' ' << fs::file_size("cxx/a/b/data.txt") << '\n';
    fs::copy_file("cxx/a/b/data.txt", "cxx/copy.txt");
    fs::rename("cxx/copy.txt", "cxx/moved.txt");
    std::vector<std::string> names;
    for (auto &e : fs::recursive_directory_iterator("cxx"))
        names.push_back(e.path().string());
    std::sort(names.begin(), names.end());
    for (auto &n : names)
        std::cout << n << '\n';
    std::cout << fs::remove_all("cxx") << " removed\n";
    try {
        throw std::runtime_error("thrown");
    } catch (const std::exception &e) {
        std::cout << e.what() << std::endl;
    }
}
