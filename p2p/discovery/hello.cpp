#include "p2p/discovery/hello.hpp"

#include "chain/base/check.hpp"

namespace micro::p2p {

Result<Hello> check_hello(const Hash& network, ByteView message) {
  if (message.size() > kMaxHelloBytes) return fail(Fault::kInvalid, "a hello is too long");
  const auto hello = decode<Hello>(message);
  if (!hello) return fail(Fault::kInvalid, "no hello: " + hello.error().message);
  if (hello->network != network) {
    return fail(Fault::kMismatch, "a node of another network: " + hello->network.brief(),
                "its seeds and static peers are those of that network");
  }
  return *hello;
}

std::string network_protocol(const Hash& network, std::string_view protocol) {
  constexpr std::string_view kOurs = "/micro/";
  CHECK(protocol.starts_with(kOurs), "a protocol of ours");
  return std::string(kOurs) + network.brief(kNetworkDigits) + "/" + std::string(protocol.substr(kOurs.size()));
}

}  // namespace micro::p2p
