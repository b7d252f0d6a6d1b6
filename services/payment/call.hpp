// A call as a service sees it: exactly what a voucher commits to, so that a run again gives the same answer.
#pragma once

#include "chain/codec/fields.hpp"
#include "chain/types/payment.hpp"

namespace micro {

inline constexpr std::size_t kMaxRequestBodyBytes = 1u << 20;
inline constexpr std::size_t kMaxReplyBodyBytes = 4u << 20;
inline constexpr std::size_t kMaxReplyContentTypeBytes = 256;

struct CallRequest {
  CallRequestRecord record;
  Blob<kMaxRequestBodyBytes> body;
  static constexpr auto kFields = fields<&CallRequest::record, &CallRequest::body>;
  bool operator==(const CallRequest&) const = default;
  /// Bytes that intrinsic gas counts.
  [[nodiscard]] std::uint64_t bytes() const { return body.size(); }
};

struct CallReply {
  std::uint16_t status = 0;  ///< of HTTP; 0: there is no answer
  Text<kMaxReplyContentTypeBytes> content_type;
  Blob<kMaxReplyBodyBytes> body;
  static constexpr auto kFields = fields<&CallReply::status, &CallReply::content_type, &CallReply::body>;
  bool operator==(const CallReply&) const = default;
};

}  // namespace micro
