#include "p2p/noise/channel.hpp"

#include "p2p/wire/protobuf.hpp"

namespace micro::p2p {
namespace {

constexpr std::string_view kStaticKeyDomain = "noise-libp2p-static-key:";

Bytes signed_text(const Hash& static_key) {
  Bytes out = to_bytes(kStaticKeyDomain);
  out.insert(out.end(), static_key.data.begin(), static_key.data.end());
  return out;
}

Result<std::vector<std::string>> read_extensions(ByteView extensions) {
  std::vector<std::string> muxers;
  ProtoReader reader(extensions);
  while (const auto field = TRY(reader.next())) {
    if (field->number != 2) continue;
    const ByteView name = TRY(proto_bytes(*field));
    if (muxers.size() == kMaxHandshakeMuxers || name.size() > kMaxMuxerNameBytes) {
      return fail(Fault::kLimit, "a handshake lists too many muxers");
    }
    muxers.emplace_back(as_text(name));
  }
  return muxers;
}

void put_length(std::uint8_t* at, std::size_t bytes) {
  at[0] = static_cast<std::uint8_t>(bytes >> 8);
  at[1] = static_cast<std::uint8_t>(bytes);
}

}  // namespace

Ed25519Signature prove_static_key(const HostKey& identity, const Hash& static_key) {
  return identity.sign(signed_text(static_key));
}

NoiseChannel::NoiseChannel(NoiseConfig config) : config_(std::move(config)) {
  handshake_.emplace(config_.role, config_.static_keys, config_.ephemeral);
}

Status NoiseChannel::start(ByteQueue& out) {
  return config_.role == Role::kInitiator ? say({}, out) : Status();
}

Result<std::optional<NoiseFrame>> NoiseChannel::next(std::span<std::uint8_t> input, ByteQueue& out) {
  if (input.size() < kNoiseLengthBytes) return std::nullopt;
  const std::size_t length = static_cast<std::size_t>(input[0] << 8 | input[1]);
  if (!established() && length > kMaxHandshakeFrameBytes) return fail(Fault::kLimit, "a handshake message is too long");
  if (input.size() < kNoiseLengthBytes + length) return std::nullopt;
  NoiseFrame frame{.taken = kNoiseLengthBytes + length, .plain = {}};
  const auto body = input.subspan(kNoiseLengthBytes, length);
  if (established()) {
    frame.plain = TRY(ciphers_->receive.open({}, body));
  } else {
    TRY(hear(body, out));
  }
  return frame;
}

void NoiseChannel::seal(ByteView plain, ByteQueue& out) {
  CHECK(established() && plain.size() <= kMaxNoisePlainBytes, "a message that fits, behind the handshake");
  const std::size_t length = plain.size() + kNoiseTagBytes;
  std::uint8_t* const at = out.prepare(kNoiseLengthBytes + length).data();
  put_length(at, length);
  ciphers_->send.seal({}, plain, at + kNoiseLengthBytes);
  out.commit(kNoiseLengthBytes + length);
}

Status NoiseChannel::say(ByteView payload, ByteQueue& out) {
  Bytes message;
  TRY(handshake_->write(payload, message));
  put_length(out.prepare(kNoiseLengthBytes).data(), message.size());
  out.commit(kNoiseLengthBytes);
  out.append(message);
  if (handshake_->finished()) {
    ciphers_ = handshake_->split();
    handshake_.reset();
  }
  return {};
}

// Message 1 carries nothing that could be trusted; 2 and 3 carry who the other side is.
Status NoiseChannel::hear(ByteView message, ByteQueue& out) {
  const bool first = handshake_->message() == 0;
  const Bytes payload = TRY(handshake_->read(message));
  if (first) {
    if (!payload.empty()) return fail(Fault::kInvalid, "data before the other side is known");
    return say(our_payload(), out);
  }
  TRY(check_payload(payload));
  if (handshake_->writes_next()) return say(our_payload(), out);
  ciphers_ = handshake_->split();
  handshake_.reset();
  return {};
}

Bytes NoiseChannel::our_payload() const {
  ProtoWriter writer;
  writer.bytes(1, config_.identity.public_key().encode());
  const Hash& static_key = config_.static_keys.public_key;
  writer.bytes(2, config_.static_proof ? *config_.static_proof : prove_static_key(config_.identity, static_key));
  if (!config_.muxers.empty()) {
    ProtoWriter extensions;
    for (const std::string& muxer : config_.muxers) extensions.text(2, muxer);
    writer.bytes(4, extensions.view());
  }
  return writer.take();
}

Status NoiseChannel::check_payload(ByteView payload) {
  ByteView key;
  ByteView signature;
  ProtoReader reader(payload);
  while (const auto field = TRY(reader.next())) {
    if (field->number == 1) key = TRY(proto_bytes(*field));
    if (field->number == 2) signature = TRY(proto_bytes(*field));
    if (field->number == 4) remote_muxers_ = TRY(read_extensions(TRY(proto_bytes(*field))));
  }
  remote_key_ = TRY(IdentityKey::decode(key));
  if (!remote_key_.verify(signed_text(handshake_->remote_static()), signature)) {
    return fail(Fault::kDenied, "the other side does not hold the key that it names");
  }
  remote_peer_ = remote_key_.peer_id();
  if (config_.expected_peer && *config_.expected_peer != remote_peer_) {
    return fail(Fault::kMismatch, "another peer answered: " + remote_peer_.text());
  }
  return {};
}

}  // namespace micro::p2p
