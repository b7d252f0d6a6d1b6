// Errors are values. A Fault groups errors by what the receiver can do about them; the message says what happened and
// the hint says what to do next.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace micro {

enum class Fault : std::uint8_t {
  kInternal,        ///< an adapter of ours failed in a way nobody planned for
  kInvalid,         ///< malformed input: sending it again cannot help
  kUnreachable,     ///< the other side does not answer
  kNotFound,        ///< there is no such thing
  kDenied,          ///< locked, wrong password, not allowed
  kFunds,           ///< not enough live tokens, or the price is above the cap
  kRejected,        ///< the ledger refused it
  kUnknownOutcome,  ///< it may or may not have happened: look before doing it again
  kRefused,         ///< governance refuses it
  kMismatch,        ///< a verification failed
  kLimit,           ///< over a named limit
  kIo,              ///< disk, process or socket
  kCorrupt,         ///< stored bytes are damaged
  kBusy,            ///< try again later
  kInterrupted,     ///< cancelled by the user or by shutdown
};

struct Error {
  Fault fault = Fault::kInternal;
  std::string message;
  std::string hint = {};

  bool operator==(const Error&) const = default;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

/// `return fail(Fault::kInvalid, "…")` from any function that returns a Result.
inline std::unexpected<Error> fail(Fault fault, std::string message, std::string hint = {}) {
  return std::unexpected<Error>(Error{fault, std::move(message), std::move(hint)});
}

}  // namespace micro

// Unwraps a Result or returns its error from the enclosing function. `auto x = TRY(parse(y));` Calls nest.
#define MICRO_TRY_AS(name, ...)                                   \
  (__extension__({                                                \
    auto&& name = (__VA_ARGS__);                                  \
    if (!name.has_value()) [[unlikely]]                           \
      return std::unexpected(std::move(name).error());            \
    *std::move(name);                                             \
  }))
#define MICRO_TRY_NAME(prefix, counter) prefix##counter
#define MICRO_TRY_WITH(counter, ...) MICRO_TRY_AS(MICRO_TRY_NAME(micro_try_, counter), __VA_ARGS__)
#define TRY(...) MICRO_TRY_WITH(__COUNTER__, __VA_ARGS__)
