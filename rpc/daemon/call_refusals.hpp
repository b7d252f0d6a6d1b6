// What a caller is told when its call is not made. 402 is said only together with the offer by which paying helps.
#pragma once

#include <optional>
#include <string_view>

#include "chain/base/result.hpp"
#include "rpc/api/x402.hpp"
#include "rpc/http/message.hpp"
#include "services/directory/directory.hpp"

namespace micro {

/// A problem document (RFC 9457). Not enough funds or a cap that is too low is 402 with PAYMENT-REQUIRED where there is
/// an offer, since the caller may pay by itself, and 403 otherwise.
HttpReply problem_of(const Error& error, std::optional<x402::Offer> offer = std::nullopt);

/// Why that version takes no calls here, or nothing. One that is paused is 503 with the code "paused": no caller can
/// mend it by paying. Retry-After is the time of one epoch then, at whose end new funds count.
std::optional<HttpReply> not_served(const ServedVersion& version, std::string_view service, std::uint64_t epoch_ms);

}  // namespace micro
