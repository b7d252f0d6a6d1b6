// Self-describing addresses (specs/addressing): /ip4/192.0.2.1/tcp/4001/p2p/12D3…, as text and as bytes.
#pragma once

#include <optional>
#include <vector>

#include "p2p/wire/peer_id.hpp"

namespace micro::p2p {

inline constexpr std::size_t kMaxMultiaddrBytes = 512;
inline constexpr std::size_t kMaxMultiaddrParts = 16;
inline constexpr std::size_t kMaxHostNameBytes = 253;

/// Codes of the table of multiformats.
enum class AddrCode : std::uint32_t {
  kIp4 = 4,
  kTcp = 6,
  kIp6 = 41,
  kIp6Zone = 42,
  kDns = 53,
  kDns4 = 54,
  kDns6 = 55,
  kDnsaddr = 56,
  kUdp = 273,
  kWebrtcDirect = 280,
  kP2pCircuit = 290,
  kUnix = 400,
  kP2p = 421,
  kTls = 448,
  kSni = 449,
  kNoise = 454,
  kQuic = 460,
  kQuicV1 = 461,
  kWebtransport = 465,
  kCerthash = 466,
  kWs = 477,
  kWss = 478,
  kHttp = 480,
};

struct AddrPart {
  AddrCode code{};
  ByteView value;  ///< a part of the address's bytes, without a length in front
};

/// Where to connect to with TCP.
struct TcpTarget {
  AddrCode kind{};        ///< kIp4, kIp6, or one of kDns, kDns4, kDns6
  std::string host = {};  ///< an address or a name as text
  std::uint16_t port = 0;
  std::optional<PeerId> peer = {};  ///< who must answer
};

/// Always valid: every part known, within the limits. An empty one has no parts.
class Multiaddr {
 public:
  static Result<Multiaddr> parse(std::string_view text);
  static Result<Multiaddr> from(ByteView bytes);
  /// Of an IP address as text (with ':' it is version 6) and a port. kInvalid for other text.
  static Result<Multiaddr> tcp(std::string_view ip, std::uint16_t port);

  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::vector<AddrPart> parts() const;
  /// With /p2p/… at its end, in place of one that is there.
  [[nodiscard]] Multiaddr with_peer(const PeerId& peer) const;
  [[nodiscard]] Multiaddr without_peer() const;
  /// Of exactly /(ip4|ip6|dns|dns4|dns6)/…/tcp/… with at most a peer behind.
  [[nodiscard]] std::optional<TcpTarget> tcp_target() const;
  auto operator<=>(const Multiaddr&) const = default;

 private:
  Bytes bytes_;
};

}  // namespace micro::p2p
