// Memory for secrets: guarded pages that are locked against swapping, left out of core dumps and wiped when freed
// (libsodium's sodium_malloc).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "chain/base/bytes.hpp"

namespace micro {

/// A secret of any length. Moves, never copies by accident.
class SecretBytes {
 public:
  SecretBytes() = default;
  /// All zero. Aborts when the system has no memory left, as every allocation does.
  explicit SecretBytes(std::size_t size);
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  ~SecretBytes();

  static SecretBytes copy_of(ByteView bytes);
  static SecretBytes copy_of(std::string_view text) { return copy_of(as_bytes(text)); }

  [[nodiscard]] ByteView view() const { return {data_, size_}; }
  [[nodiscard]] std::string_view text() const { return as_text(view()); }
  [[nodiscard]] std::span<std::uint8_t> writable() { return {data_, size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Drops the end; what was there is wiped.
  void shrink(std::size_t size);

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

/// For a secret that a library handed over in ordinary memory.
void wipe(std::span<std::uint8_t> bytes);

}  // namespace micro
