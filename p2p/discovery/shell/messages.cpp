#include "p2p/discovery/shell/messages.hpp"

#include "p2p/wire/varint.hpp"

namespace micro::p2p {

Task<Result<std::optional<Bytes>>> read_message(Stream& stream, std::size_t max_bytes) {
  Bytes length;
  std::optional<VarintRead> read;
  while (!read) {
    std::uint8_t byte = 0;
    const auto size = co_await stream.read(std::span(&byte, 1));
    if (!size) co_return std::unexpected(size.error());
    if (*size == 0 && length.empty()) co_return std::optional<Bytes>();
    if (*size == 0) co_return fail(Fault::kInvalid, "a message is cut off");
    length.push_back(byte);
    const auto parsed = read_varint(length);
    if (!parsed) co_return std::unexpected(parsed.error());
    read = *parsed;
  }
  if (read->value > max_bytes) co_return fail(Fault::kLimit, "a message is too long");
  // Grown as bytes come: a length alone costs no memory.
  Bytes message;
  constexpr std::size_t kStepBytes = 16 * 1'024;
  while (message.size() < read->value) {
    const std::size_t at = message.size();
    message.resize(at + std::min<std::size_t>(kStepBytes, static_cast<std::size_t>(read->value) - at));
    const Status more = co_await stream.read_exactly(std::span(message).subspan(at));
    if (!more) co_return std::unexpected(more.error());
  }
  co_return std::optional<Bytes>(std::move(message));
}

Task<Status> write_message(Stream& stream, Bytes message) {
  Bytes out;
  append_varint(out, message.size());
  append_bytes(out, message);
  co_return co_await stream.write(out);
}

}  // namespace micro::p2p
