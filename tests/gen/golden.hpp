// Frozen encodings: for each type the BLAKE2b-256 of the encodings of 64 fixed values, one after another, in a table
// beside the test. After a deliberate change of a format, run the test once with MICRO_WRITE_GOLDEN=1.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "chain/crypto/hash.hpp"
#include "tests/gen/any_value.hpp"
#include "tests/vectors/csv.hpp"

namespace micro::test {

template <class T>
std::string golden() {
  SeededRandom random(7);
  Bytes all;
  for (int n = 0; n < 64; ++n) {
    const Bytes bytes = encode(any_value<T>(random));
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  return blake2b_256(all).hex();
}

/// Compares with golden.csv in the test's folder.
inline void expect_golden(const std::map<std::string, std::string>& now) {
  if (std::getenv("MICRO_WRITE_GOLDEN") != nullptr) {
    std::ofstream file(std::string(MICRO_VECTORS) + "/golden.csv");
    for (const auto& [name, hash] : now) file << name << ',' << hash << '\n';
  }
  std::map<std::string, std::string> frozen;
  for (const auto& row : read_csv("golden.csv")) {
    ASSERT_EQ(row.size(), 2U);
    frozen[row[0]] = row[1];
  }
  ASSERT_FALSE(frozen.empty());
  EXPECT_EQ(frozen, now) << "a format changed; if that is meant: MICRO_WRITE_GOLDEN=1 and this test";
}

}  // namespace micro::test
