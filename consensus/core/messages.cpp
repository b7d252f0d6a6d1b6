#include "consensus/core/messages.hpp"

namespace micro::simplex {

Result<Message> decode_message(ByteView bytes) {
  if (bytes.size() > kMaxMessageBytes) return fail(Fault::kLimit, "a message of consensus is too long");
  auto message = TRY(decode<Message>(bytes));
  if (message.version != kMessageVersion) return fail(Fault::kInvalid, "a message of another version");
  return message;
}

}  // namespace micro::simplex
