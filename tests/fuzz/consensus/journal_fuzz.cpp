// The signer's log as a file that a crash, a rotten disk or somebody else left. What is accepted is a prefix of whole
// records; cutting the rest changes nothing, and a file that ends with a whole record never yields an older one.
#include "consensus/journal/signer_log.hpp"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "tests/fuzz/fuzz.hpp"

namespace micro::test {

bool fuzz(ByteView input) {
  const auto contents = parse_signer_log(input);
  if (!contents) {
    CHECK(contents.error().fault == Fault::kCorrupt, "damage is damage");
    return false;
  }
  CHECK(contents->valid_bytes <= input.size(), "a prefix");
  CHECK(contents->last.has_value() == (contents->valid_bytes > 0), "a record, or nothing");
  const auto again = parse_signer_log(input.first(contents->valid_bytes));
  CHECK(again.has_value() && again->valid_bytes == contents->valid_bytes, "the prefix stands by itself");
  if (contents->last) {
    CHECK(encode(*again->last) == encode(*contents->last), "with the same newest statement");
    CHECK(decode<SignedStatement>(encode(*contents->last)).has_value(), "a statement has an encoding");
  }
  return true;
}

namespace {

SignedStatement statement(std::uint32_t epoch, std::uint64_t view) {
  SignedStatement out;
  out.block.header.epoch = Epoch(epoch);
  out.block.header.height = Height(view);
  out.statement.view = View(view);
  out.statement.block = block_id(out.block.header);
  return out;
}

}  // namespace

// Written by the log itself, so that they follow its format.
std::vector<Bytes> fuzz_seeds() {
  namespace fs = std::filesystem;
  std::string folder = (fs::temp_directory_path() / "micro-fuzz-XXXXXX").string();
  CHECK(::mkdtemp(folder.data()) != nullptr, "a folder for the seeds");
  std::vector<Bytes> seeds{{}};
  for (std::uint64_t view = 1; view <= 4; ++view) {
    {
      const auto log = SignerLog::open(folder);
      CHECK(log.has_value() && (*log)->record(statement(view > 2 ? 1 : 0, view)).has_value(), "a log is written");
    }
    std::ifstream file(fs::path(folder) / "signer.log", std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  fs::remove_all(folder);
  return seeds;
}

}  // namespace micro::test
