#include "p2p/net/own_protocols.hpp"

#include <array>

#include "p2p/net/host.hpp"
#include "p2p/wire/varint.hpp"

namespace micro::p2p {
namespace {

constexpr std::size_t kPingBytes = 32;

}  // namespace

Task<void> echo_pings(Stream stream) {
  std::array<std::uint8_t, kPingBytes> bytes;
  while (true) {
    if (!co_await stream.read_exactly(bytes)) break;
    if (!co_await stream.write(bytes)) break;
  }
  stream.finish();
}

Task<void> learn_from(Stream stream) {
  const auto bytes = co_await stream.read_all(kMaxIdentifyMessages * (kMaxIdentifyMessageBytes + kMaxVarintBytes));
  stream.finish();
  if (!bytes) co_return;
  const auto session = stream.session();
  const Instant begun = session->now();
  auto said = Identify::decode_all(*bytes);
  // A peer may not speak for another key than the one the channel proved.
  if (!said || (said->public_key && *said->public_key != session->connection().remote_key())) {
    session->close({.fault = Fault::kInvalid, .message = "a bad identify message"});
    co_return;
  }
  session->learned(std::move(*said));
  session->worked(stream.protocol(), begun);
}

Task<void> ask_identify(std::shared_ptr<Session> session) {
  auto stream = co_await session->open({std::string(kIdentifyProtocol)});
  if (stream) co_await learn_from(std::move(*stream));
}

Task<Result<std::uint64_t>> ping(std::shared_ptr<Session> session, const Clock& clock, Random& random) {
  auto stream = co_await session->open({std::string(kPingProtocol)});
  if (!stream) co_return std::unexpected(stream.error());
  const Hash sent = random.draw<Hash>();
  Hash back;
  const Instant before = clock.now();
  if (const Status status = co_await stream->write(sent); !status) co_return std::unexpected(status.error());
  if (const Status status = co_await stream->read_exactly(back.data); !status)
    co_return std::unexpected(status.error());
  if (back != sent) co_return fail(Fault::kMismatch, "a ping came back changed");
  stream->finish();
  co_return clock.now().ns - before.ns;
}

}  // namespace micro::p2p
