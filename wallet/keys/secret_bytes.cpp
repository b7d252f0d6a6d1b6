#include "wallet/keys/secret_bytes.hpp"

#include <sodium.h>

#include <cstring>
#include <utility>

#include "chain/base/check.hpp"

namespace micro {

SecretBytes::SecretBytes(std::size_t size) : size_(size) {
  if (size == 0) return;
  CHECK(sodium_init() >= 0, "libsodium starts");
  data_ = static_cast<std::uint8_t*>(sodium_malloc(size));
  CHECK(data_ != nullptr, "guarded memory is available");
  std::memset(data_, 0, size);
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

SecretBytes::~SecretBytes() {
  sodium_free(data_);
}

SecretBytes SecretBytes::copy_of(ByteView bytes) {
  SecretBytes out(bytes.size());
  if (!bytes.empty()) std::memcpy(out.data_, bytes.data(), bytes.size());
  return out;
}

void SecretBytes::shrink(std::size_t size) {
  CHECK(size <= size_, "shrinking");
  if (size < size_) sodium_memzero(data_ + size, size_ - size);
  size_ = size;
}

void wipe(std::span<std::uint8_t> bytes) {
  if (!bytes.empty()) sodium_memzero(bytes.data(), bytes.size());
}

}  // namespace micro
