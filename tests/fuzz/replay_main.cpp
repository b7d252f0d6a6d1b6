// Replays a target without libFuzzer: its seeds, the files of its corpus folder, and a fixed number of fixed mutations.
//   fuzz_x RUNS [CORPUS-FOLDER]    fuzz_x --write FOLDER writes the seeds as files
// Fails without seeds, with a seed that is no longer accepted, and when no mutation was refused: then it tests nothing.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "chain/base/random.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {
namespace {

constexpr std::size_t kMaxInputBytes = 1 << 16;

int failed(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  return 1;
}

std::size_t below(Random& random, std::size_t bound) {
  return bound == 0 ? 0 : random.draw_u64() % bound;
}

void overwrite_length(Bytes& bytes, Random& random) {
  static constexpr std::uint32_t kLengths[] = {0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0x7fffffff, 0xffffffff};
  if (bytes.size() < 4) return;
  const std::size_t at = below(random, bytes.size() - 3);
  const std::uint32_t length = kLengths[below(random, std::size(kLengths))];
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::uint8_t>(length >> (8 * i));
}

void splice(Bytes& bytes, const Bytes& other, Random& random) {
  bytes.resize(below(random, bytes.size() + 1));
  const std::size_t from = below(random, other.size() + 1);
  bytes.insert(bytes.end(), other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
}

void mutate_once(Bytes& bytes, const Bytes& other, Random& random) {
  const std::size_t at = below(random, bytes.size());
  const auto position = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  const std::size_t run = below(random, std::min<std::size_t>(bytes.size() - at, 16) + 1);
  const auto byte = static_cast<std::uint8_t>(random.draw_u64());
  switch (below(random, 8)) {
    case 0:
      if (!bytes.empty()) bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ 1U << byte % 8);
      break;
    case 1:
      if (!bytes.empty()) bytes[at] = byte;
      break;
    case 2:
      bytes.erase(position, position + static_cast<std::ptrdiff_t>(run));
      break;
    case 3:
      bytes.insert(position, run, byte);
      break;
    case 4:
      bytes.resize(at);
      break;
    case 5:
      overwrite_length(bytes, random);
      break;
    case 6:
      splice(bytes, other, random);
      break;
    default:
      if (!bytes.empty()) bytes[at] = static_cast<std::uint8_t>(bytes[at] + (byte % 2 == 0 ? 1 : 255));
  }
  if (bytes.size() > kMaxInputBytes) bytes.resize(kMaxInputBytes);
}

Bytes read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

int write_seeds(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  int n = 0;
  for (const Bytes& seed : fuzz_seeds()) {
    std::ofstream file(folder / ("seed-" + std::to_string(n++)), std::ios::binary);
    file.write(reinterpret_cast<const char*>(seed.data()), static_cast<std::streamsize>(seed.size()));
  }
  std::printf("%d seeds in %s\n", n, folder.c_str());
  return n > 0 ? 0 : 1;
}

int replay(std::uint64_t runs, const std::filesystem::path& corpus) {
  const std::vector<Bytes> seeds = fuzz_seeds();
  if (seeds.empty()) return failed("the target has no seeds");
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    if (!fuzz(seeds[i])) return failed("seed " + std::to_string(i) + " is not accepted any more");
  }
  std::size_t files = 0;
  if (!corpus.empty() && std::filesystem::exists(corpus)) {
    for (const auto& entry : std::filesystem::directory_iterator(corpus)) {
      fuzz(read_file(entry.path()));
      ++files;
    }
  }
  std::uint64_t accepted = 0;
  SeededRandom random(1);
  for (std::uint64_t run = 0; run < runs; ++run) {
    Bytes input = seeds[below(random, seeds.size())];
    for (std::size_t steps = 1 + below(random, 4); steps > 0; --steps) {
      mutate_once(input, seeds[below(random, seeds.size())], random);
    }
    accepted += fuzz(input) ? 1 : 0;
  }
  std::printf("%zu seeds, %zu files, %llu mutations of which %llu accepted\n", seeds.size(), files,
              static_cast<unsigned long long>(runs), static_cast<unsigned long long>(accepted));
  if (runs == 0 || accepted == runs) return failed("no mutation was refused: this target tests nothing");
  return 0;
}

}  // namespace
}  // namespace micro::test

int main(int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  if (first == "--write" && argc == 3) return micro::test::write_seeds(argv[2]);
  return micro::test::replay(std::strtoull(first.c_str(), nullptr, 10), argc > 2 ? argv[2] : "");
}
