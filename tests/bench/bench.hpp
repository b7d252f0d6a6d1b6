// A benchmark is a program that prints one line of JSON a figure:
//   {"name": "verify_ecdsa", "value": 20113.5, "unit": "1/s", "limit": 20500.0, "ratio": 0.981}
// `limit` is the best that the machine could do, measured in the same run, and `ratio` is value ÷ limit: figures of
// different machines can be compared by it.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string_view>

namespace micro::bench {

inline void report(std::string_view name, double value, std::string_view unit, double limit) {
  std::printf("{\"name\": \"%.*s\", \"value\": %.3f, \"unit\": \"%.*s\", \"limit\": %.3f, \"ratio\": %.3f}\n",
              static_cast<int>(name.size()), name.data(), value, static_cast<int>(unit.size()), unit.data(), limit,
              limit > 0 ? value / limit : 0);
  std::fflush(stdout);
}

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Calls a second of `work`, in batches, for at least `seconds`.
template <class Work>
double rate(Work&& work, double seconds = 1.0, std::uint64_t batch = 64) {
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t done = 0;
  double elapsed = 0;
  while (elapsed < seconds) {
    for (std::uint64_t i = 0; i < batch; ++i) work();
    done += batch;
    elapsed = seconds_since(start);
  }
  return static_cast<double>(done) / elapsed;
}

}  // namespace micro::bench
