// What the emulator is told while it runs, a line each, and what it answers:
//   link FROM TO [NAME=VALUE…]   these links from now on; what is not named is as on a bare wire. Names: delay_us,
//                                jitter_us, loss_ppm, reorder_ppm, reorder_us, rate_bps, burst_bytes, queue_bytes
//   cut FROM TO                  nothing passes; their other rules stay
//   mend FROM TO                 it does again
//   count FROM TO                {"offered":…,"delivered":…,…}, the sum of these links
// FROM and TO are nodes: "*", or numbers and ranges as in "0,3-5". A node has no link to itself.
#pragma once

#include "tests/netns/link_model.hpp"

namespace micro::netns {

inline constexpr std::uint64_t kMaxRuleValue = 1'000'000'000;  ///< of every rule, in its unit

/// Nodes of a list, in order and each once. kInvalid.
Result<std::vector<std::size_t>> parse_nodes(std::string_view text, std::size_t nodes);

/// Does what a line says; what to answer, kInvalid for a line that is none: then nothing has changed.
Result<std::string> run_line(LinkModel& model, std::string_view line);

}  // namespace micro::netns
