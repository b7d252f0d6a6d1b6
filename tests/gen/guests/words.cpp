// Counts words with the C++ standard library's streams and containers.
#include <iostream>
#include <map>
#include <string>

int main() {
  std::map<std::string, int> counts;
  for (std::string word; std::cin >> word;) ++counts[word];
  std::cout << "Content-Type: text/plain\n\n";
  for (const auto& [word, count] : counts) std::cout << word << "=" << count << "\n";
}
