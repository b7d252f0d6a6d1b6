// What a fuzz target defines; libfuzzer_main.cpp and replay_main.cpp drive it.
#pragma once

#include <vector>

#include "chain/base/bytes.hpp"
#include "chain/base/check.hpp"
#include "chain/codec/codec.hpp"

namespace micro::test {

/// Runs one input; true if it was accepted. A finding aborts: CHECK, or a sanitizer.
bool fuzz(ByteView input);

/// Inputs to start from, each of which `fuzz` accepts. Made by code, so that they follow every change of a format.
std::vector<Bytes> fuzz_seeds();

/// What is accepted is exactly what would be written.
template <class T>
bool fuzz_decode(ByteView input) {
  const auto value = decode<T>(input);
  if (!value) return false;
  const Bytes again = encode(*value);
  CHECK(std::ranges::equal(again, input), "a value has one encoding");
  return true;
}

}  // namespace micro::test
