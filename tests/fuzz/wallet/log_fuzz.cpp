// The log that payments are kept in: whatever is accepted is a prefix that would be written again byte for byte.
#include <algorithm>

#include "tests/fuzz/fuzz.hpp"
#include "wallet/disk/append_log.hpp"

namespace micro::test {

bool fuzz(ByteView input) {
  const auto contents = parse_log(input);
  if (!contents) return false;
  CHECK(contents->valid_bytes <= input.size(), "a prefix");
  if (contents->valid_bytes == 0) {
    CHECK(contents->records.empty(), "no records without a beginning");
    return true;
  }
  Bytes again = to_bytes(log_header());
  Hash chain = log_seed();
  for (const auto& record : contents->records) {
    const Bytes bytes = encode_log_record(chain, record);
    again.insert(again.end(), bytes.begin(), bytes.end());
  }
  CHECK(std::ranges::equal(again, input.first(contents->valid_bytes)), "the prefix is what would be written");
  CHECK(chain == contents->chain, "it continues from the last checksum");
  return true;
}

std::vector<Bytes> fuzz_seeds() {
  Bytes file = to_bytes(log_header());
  std::vector<Bytes> out{{}, file};
  Hash chain = log_seed();
  for (std::size_t size = 1; size < 200; size += 60) {
    const Bytes bytes = encode_log_record(chain, Bytes(size, 0xa5));
    file.insert(file.end(), bytes.begin(), bytes.end());
    out.push_back(file);
  }
  return out;
}

}  // namespace micro::test
