#include "p2p/wire/multiaddr.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "chain/base/check.hpp"
#include "p2p/wire/base_n.hpp"
#include "p2p/wire/varint.hpp"

namespace micro::p2p {
namespace {

enum class Value : std::uint8_t { kNone, kIp4, kIp6, kPort, kName, kPath, kPeer, kHash };

struct Protocol {
  AddrCode code;
  std::string_view name;
  Value value;
};
constexpr std::array kProtocols{
    Protocol{AddrCode::kIp4, "ip4", Value::kIp4},
    Protocol{AddrCode::kTcp, "tcp", Value::kPort},
    Protocol{AddrCode::kIp6, "ip6", Value::kIp6},
    Protocol{AddrCode::kIp6Zone, "ip6zone", Value::kName},
    Protocol{AddrCode::kDns, "dns", Value::kName},
    Protocol{AddrCode::kDns4, "dns4", Value::kName},
    Protocol{AddrCode::kDns6, "dns6", Value::kName},
    Protocol{AddrCode::kDnsaddr, "dnsaddr", Value::kName},
    Protocol{AddrCode::kUdp, "udp", Value::kPort},
    Protocol{AddrCode::kWebrtcDirect, "webrtc-direct", Value::kNone},
    Protocol{AddrCode::kUnix, "unix", Value::kPath},
    Protocol{AddrCode::kP2pCircuit, "p2p-circuit", Value::kNone},
    Protocol{AddrCode::kP2p, "p2p", Value::kPeer},
    Protocol{AddrCode::kP2p, "ipfs", Value::kPeer},
    Protocol{AddrCode::kTls, "tls", Value::kNone},
    Protocol{AddrCode::kSni, "sni", Value::kName},
    Protocol{AddrCode::kNoise, "noise", Value::kNone},
    Protocol{AddrCode::kQuic, "quic", Value::kNone},
    Protocol{AddrCode::kQuicV1, "quic-v1", Value::kNone},
    Protocol{AddrCode::kWebtransport, "webtransport", Value::kNone},
    Protocol{AddrCode::kCerthash, "certhash", Value::kHash},
    Protocol{AddrCode::kWs, "ws", Value::kNone},
    Protocol{AddrCode::kWss, "wss", Value::kNone},
    Protocol{AddrCode::kHttp, "http", Value::kNone},
};

const Protocol* by_name(std::string_view name) {
  const auto* found = std::ranges::find(kProtocols, name, &Protocol::name);
  return found == kProtocols.end() ? nullptr : found;
}
const Protocol* by_code(std::uint64_t code) {
  const auto* found =
      std::ranges::find_if(kProtocols, [&](const Protocol& p) { return static_cast<std::uint64_t>(p.code) == code; });
  return found == kProtocols.end() ? nullptr : found;
}

std::optional<std::size_t> fixed_bytes_of(Value value) {
  switch (value) {
    case Value::kNone:
      return 0;
    case Value::kIp4:
      return 4;
    case Value::kIp6:
      return 16;
    case Value::kPort:
      return 2;
    default:
      return std::nullopt;
  }
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxHostNameBytes &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F && c != '/'; });
}

// Text that would read as other parts, or not at all, is no path.
bool is_path(std::string_view text) {
  return text.size() > 1 && text.front() == '/' && text.back() != '/' &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

Status check_value(const Protocol& protocol, ByteView value) {
  bool good = true;
  if (protocol.value == Value::kName) good = is_name(as_text(value));
  if (protocol.value == Value::kPath) good = is_path(as_text(value));
  if (protocol.value == Value::kPeer) good = PeerId::from(value).has_value();
  if (protocol.value == Value::kHash) good = !value.empty() && value.size() <= kMaxBaseNBytes;
  if (!good) return fail(Fault::kInvalid, "an address with a bad value of " + std::string(protocol.name));
  return {};
}

Result<Bytes> value_from_text(const Protocol& protocol, std::string_view text) {
  const std::string terminated(text);
  Bytes out;
  switch (protocol.value) {
    case Value::kIp4:
    case Value::kIp6:
      out.resize(protocol.value == Value::kIp4 ? 4 : 16);
      if (inet_pton(protocol.value == Value::kIp4 ? AF_INET : AF_INET6, terminated.c_str(), out.data()) == 1)
        return out;
      break;
    case Value::kPort: {
      std::uint16_t port = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
      if (error == std::errc() && end == text.data() + text.size()) {
        return Bytes{static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port)};
      }
      break;
    }
    case Value::kPeer:
      return to_bytes(TRY(PeerId::parse(text)).view());
    case Value::kHash:
      if (text.starts_with('u')) break;  // base64url: the other usual form, which nothing here needs
      if (text.starts_with('b')) return from_base32(text.substr(1));
      if (text.starts_with('z')) return from_base58(text.substr(1));
      break;
    default:
      return to_bytes(text);
  }
  return fail(Fault::kInvalid, "an address with a bad value of " + std::string(protocol.name));
}

std::string value_text(const Protocol& protocol, ByteView value) {
  switch (protocol.value) {
    case Value::kIp4:
    case Value::kIp6: {
      std::array<char, INET6_ADDRSTRLEN> text{};
      inet_ntop(protocol.value == Value::kIp4 ? AF_INET : AF_INET6, value.data(), text.data(), text.size());
      return text.data();
    }
    case Value::kPort:
      return std::to_string(value[0] << 8 | value[1]);
    case Value::kPeer:
      return to_base58(value);
    case Value::kHash:
      return "b" + to_base32(value);
    default:
      return std::string(as_text(value));
  }
}

// One part off the front of valid bytes.
AddrPart split_part(ByteView& rest) {
  const auto code = read_whole_varint(rest);
  const Protocol* protocol = code ? by_code(code->value) : nullptr;
  CHECK(protocol != nullptr, "an address was checked when it was made");
  rest = rest.subspan(code->bytes);
  std::size_t size = 0;
  if (const auto fixed = fixed_bytes_of(protocol->value)) {
    size = *fixed;
  } else {
    const auto length = read_whole_varint(rest);
    CHECK(length.has_value(), "an address was checked when it was made");
    rest = rest.subspan(length->bytes);
    size = static_cast<std::size_t>(length->value);
  }
  const AddrPart part{.code = protocol->code, .value = rest.first(size)};
  rest = rest.subspan(size);
  return part;
}

void append_part(Bytes& out, const Protocol& protocol, ByteView value) {
  append_varint(out, static_cast<std::uint64_t>(protocol.code));
  if (!fixed_bytes_of(protocol.value)) append_varint(out, value.size());
  append_bytes(out, value);
}

std::string_view next_word(std::string_view& rest) {
  rest.remove_prefix(1);  // the slash
  const std::size_t end = std::min(rest.find('/'), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

}  // namespace

Result<Multiaddr> Multiaddr::parse(std::string_view text) {
  if (text.size() > 4 * kMaxMultiaddrBytes) return fail(Fault::kLimit, "an address that is too long");
  if (!text.starts_with('/')) return fail(Fault::kInvalid, "an address begins with a slash");
  if (text.ends_with('/')) text.remove_suffix(1);
  Bytes bytes;
  while (!text.empty()) {
    const std::string_view name = next_word(text);
    const Protocol* protocol = by_name(name);
    if (protocol == nullptr) return fail(Fault::kInvalid, "an address with an unknown part");
    std::string_view word;
    if (protocol->value == Value::kPath) {
      word = std::exchange(text, {});
    } else if (protocol->value != Value::kNone) {
      if (text.empty()) return fail(Fault::kInvalid, "an address whose last part has no value");
      word = next_word(text);
    }
    const Bytes value = TRY(value_from_text(*protocol, word));
    append_part(bytes, *protocol, value);
  }
  return from(bytes);
}

Result<Multiaddr> Multiaddr::from(ByteView bytes) {
  if (bytes.size() > kMaxMultiaddrBytes) return fail(Fault::kLimit, "an address that is too long");
  ByteView rest = bytes;
  for (std::size_t parts = 0; !rest.empty(); ++parts) {
    if (parts == kMaxMultiaddrParts) return fail(Fault::kLimit, "an address of too many parts");
    const VarintRead code = TRY(read_whole_varint(rest));
    const Protocol* protocol = by_code(code.value);
    if (protocol == nullptr) return fail(Fault::kInvalid, "an address with an unknown part");
    rest = rest.subspan(code.bytes);
    std::uint64_t size = 0;
    if (const auto fixed = fixed_bytes_of(protocol->value)) {
      size = *fixed;
    } else {
      const VarintRead length = TRY(read_whole_varint(rest));
      rest = rest.subspan(length.bytes);
      size = length.value;
    }
    if (size > rest.size()) return fail(Fault::kInvalid, "an address that is cut off");
    TRY(check_value(*protocol, rest.first(static_cast<std::size_t>(size))));
    rest = rest.subspan(static_cast<std::size_t>(size));
    if (protocol->value == Value::kPath && !rest.empty()) return fail(Fault::kInvalid, "parts behind a path");
  }
  Multiaddr out;
  out.bytes_ = to_bytes(bytes);
  return out;
}

Result<Multiaddr> Multiaddr::tcp(std::string_view ip, std::uint16_t port) {
  const bool is_v6 = ip.find(':') != std::string_view::npos;
  return parse((is_v6 ? "/ip6/" : "/ip4/") + std::string(ip) + "/tcp/" + std::to_string(port));
}

std::vector<AddrPart> Multiaddr::parts() const {
  std::vector<AddrPart> out;
  for (ByteView rest = bytes_; !rest.empty();) out.push_back(split_part(rest));
  return out;
}

std::string Multiaddr::text() const {
  std::string out;
  for (const AddrPart& part : parts()) {
    const Protocol& protocol = *by_code(static_cast<std::uint64_t>(part.code));
    out += '/';
    out += protocol.name;
    if (protocol.value == Value::kNone) continue;
    if (protocol.value != Value::kPath) out += '/';  // a path brings its own
    out += value_text(protocol, part.value);
  }
  return out;
}

Multiaddr Multiaddr::without_peer() const {
  Multiaddr out = *this;
  const auto all = parts();
  if (!all.empty() && all.back().code == AddrCode::kP2p) {
    Bytes last;
    append_part(last, *by_code(static_cast<std::uint64_t>(AddrCode::kP2p)), all.back().value);
    out.bytes_.resize(bytes_.size() - last.size());
  }
  return out;
}

Multiaddr Multiaddr::with_peer(const PeerId& peer) const {
  Multiaddr out = without_peer();
  append_part(out.bytes_, *by_code(static_cast<std::uint64_t>(AddrCode::kP2p)), peer);
  return out;
}

std::optional<TcpTarget> Multiaddr::tcp_target() const {
  const auto all = parts();
  if (all.size() < 2 || all.size() > 3 || all[1].code != AddrCode::kTcp) return std::nullopt;
  TcpTarget target{.kind = all[0].code};
  switch (all[0].code) {
    case AddrCode::kIp4:
    case AddrCode::kIp6:
    case AddrCode::kDns:
    case AddrCode::kDns4:
    case AddrCode::kDns6:
      break;
    default:
      return std::nullopt;
  }
  target.host = value_text(*by_code(static_cast<std::uint64_t>(all[0].code)), all[0].value);
  target.port = static_cast<std::uint16_t>(all[1].value[0] << 8 | all[1].value[1]);
  if (all.size() == 3) {
    if (all[2].code != AddrCode::kP2p) return std::nullopt;
    const auto peer = PeerId::from(all[2].value);
    if (!peer) return std::nullopt;
    target.peer = *peer;
  }
  return target;
}

}  // namespace micro::p2p
