#include "genesis/json/base64.hpp"

#include <sodium.h>

namespace micro {

std::string to_base64(ByteView bytes) {
  std::string out(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(out.data(), out.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  out.pop_back();  // libsodium counts the terminating zero
  return out;
}

Result<Bytes> from_base64(std::string_view text) {
  Bytes out(text.size() / 4 * 3 + 3);
  std::size_t size = 0;
  const char* end = nullptr;
  const int rc = sodium_base642bin(out.data(), out.size(), text.data(), text.size(), nullptr, &size, &end,
                                   sodium_base64_VARIANT_ORIGINAL);
  if (rc != 0 || end != text.data() + text.size()) return fail(Fault::kInvalid, "not base64");
  out.resize(size);
  if (to_base64(out) != text) return fail(Fault::kInvalid, "not base64 in its one canonical form");
  return out;
}

}  // namespace micro
