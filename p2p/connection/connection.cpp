#include "p2p/connection/connection.hpp"

#include <algorithm>

#include "chain/crypto/hash.hpp"

namespace micro::p2p {
namespace {

constexpr std::size_t kKeptQueueBytes = 1'024;
constexpr std::size_t kBuffersPerShare = 8;  // what is read and what is sealed at once, against what it may hold

const ProtocolSet& security_protocols() {
  static const ProtocolSet set{std::string(kNoiseProtocol)};
  return set;
}
const ProtocolSet& muxer_protocols() {
  static const ProtocolSet set{std::string(kYamuxProtocol)};
  return set;
}

// As secret as the key of this connection that it is made of, and says nothing about it.
Hash ping_secret_of(const DhKeys& ephemeral) {
  const Hash once = sha256(ephemeral.secret);
  Bytes text = to_bytes("ping");
  text.insert(text.end(), once.data.begin(), once.data.end());
  return sha256(text);
}

Multistream negotiation_for(Role role, std::string_view ours, const ProtocolSet& spoken) {
  return role == Role::kInitiator ? Multistream::dialer({std::string(ours)}) : Multistream::listener(spoken);
}

}  // namespace

Connection::Connection(NoiseConfig config, const ProtocolSet& protocols, MemoryPool& pool)
    : role_(config.role),
      protocols_(protocols),
      ping_secret_(ping_secret_of(config.ephemeral)),
      channel_(std::move(config)),
      negotiation_(negotiation_for(role_, kNoiseProtocol, security_protocols())),
      mux_(role_ == Role::kInitiator),
      share_(pool) {}

void Connection::start(Instant now) {
  started_ = now;
  negotiation_.start(wire_);
}

// --- time and memory ---

Status Connection::sweep(Instant now) {
  if (!secured()) {
    if (now >= started_.plus_ms(kHandshakeMs)) return fail(Fault::kUnreachable, "no handshake in time");
    return {};
  }
  if (pong_missing_ && now >= pinged_.plus_ms(kPongMs)) return fail(Fault::kUnreachable, "no answer to a ping");
  if (!pong_missing_ && now >= pinged_.plus_ms(kKeepAliveMs)) ping(now);
  std::vector<StreamId> late;
  for (const auto& [id, negotiation] : negotiations_) {
    if (now >= negotiation.since.plus_ms(kNegotiationMs)) late.push_back(id);
  }
  for (const StreamId id : late) give_up(id);
  account();
  return {};
}

void Connection::ping(Instant now) {
  pong_missing_ = true;
  pinged_ = now;
  ping_value_ = next_ping_value();
  mux_.ping(ping_value_);
}

// Whoever could foresee it would seem as near as he likes, and be kept for that.
std::uint32_t Connection::next_ping_value() const {
  Bytes text = to_bytes(ping_secret_.view());
  for (unsigned n = 0; n < 4; ++n) text.push_back(static_cast<std::uint8_t>(ping_value_ >> (8 * n)));
  const Hash hash = sha256(text);
  std::uint32_t out = 0;
  for (unsigned n = 0; n < 4; ++n) out = out << 8 | hash.data[n];
  return out;
}

void Connection::on_pong(std::uint32_t value, Instant now) {
  if (value != ping_value_ || !std::exchange(pong_missing_, false)) return;
  round_trip_ns_ = now.ns - pinged_.ns;
  mux_.set_rtt_ns(round_trip_ns_);
}

void Connection::account() {
  share_.set(held_bytes());
  mux_.set_budget(share_.allowance());
}

// --- input ---

std::span<std::uint8_t> Connection::prepare(std::size_t max_bytes) {
  // A whole message of the channel always finds room, a little at a time if need be.
  const std::size_t wanted = std::min(read_bytes_, std::max(kLeastReadBytes, share_.allowance() / kBuffersPerShare));
  const auto room = in_.prepare(std::min(wanted, max_bytes));
  offered_bytes_ = std::min({room.size(), kMostReadBytes, max_bytes});
  return room.first(offered_bytes_);
}

Status Connection::commit(std::size_t bytes, Instant now) {
  in_.commit(bytes);
  if (bytes == offered_bytes_ && secured()) read_bytes_ = std::min(read_bytes_ * 4, kMostReadBytes);
  for (bool moved = true; moved;) {
    moved = false;
    if (Status status = step(now, moved); !status) {
      account();
      return status;
    }
  }
  account();
  return {};
}

Status Connection::step(Instant now, bool& moved) {
  if (stage_ == Stage::kChoosingSecurity) {
    if (in_.empty()) return {};
    const std::size_t taken = TRY(negotiation_.feed(in_.view(), wire_));
    in_.consume(taken);
    moved = negotiation_.state() != Multistream::State::kRunning;
    return moved ? choose_security() : Status();
  }
  const bool before = channel_.established();
  const auto frame = TRY(channel_.next(in_.readable(), wire_));
  if (!frame) return {};
  moved = true;
  Status status = before ? on_frame(frame->plain, now) : Status();
  in_.consume(frame->taken);
  if (status && !before && channel_.established()) return after_handshake(now);
  return status;
}

Status Connection::choose_security() {
  if (negotiation_.state() == Multistream::State::kRefused) {
    return fail(Fault::kRejected, "the other side does not speak Noise");
  }
  stage_ = Stage::kHandshake;
  return channel_.start(wire_);
}

// Our list has one entry, so the order in which stacks prefer does not matter.
Status Connection::after_handshake(Instant now) {
  const auto& theirs = channel_.remote_muxers();
  const bool both = !channel_.our_muxers().empty() && std::ranges::find(theirs, kYamuxProtocol) != theirs.end();
  if (both) {
    muxer_from_handshake_ = true;
    opened(now);
    return {};
  }
  stage_ = Stage::kChoosingMuxer;
  negotiation_ = negotiation_for(role_, kYamuxProtocol, muxer_protocols());
  negotiation_.start(plain_);
  return {};
}

Status Connection::on_frame(std::span<std::uint8_t> plain, Instant now) {
  if (stage_ == Stage::kChoosingMuxer) return choose_muxer(plain, now);
  Status status = mux_.receive(plain, now);
  translate(now);
  return status;
}

Status Connection::choose_muxer(ByteView plain, Instant now) {
  const std::size_t taken = TRY(negotiation_.feed(plain, plain_));
  if (negotiation_.state() == Multistream::State::kRefused) {
    return fail(Fault::kRejected, "the other side does not speak yamux");
  }
  if (negotiation_.state() == Multistream::State::kRunning) return {};
  opened(now);
  Status status = mux_.receive(plain.subspan(taken), now);
  translate(now);
  return status;
}

void Connection::opened(Instant now) {
  stage_ = Stage::kOpen;
  ping(now);
  events_.push_back({.kind = ConnectionEvent::Kind::kSecured});
}

// --- streams ---

void Connection::translate(Instant now) {
  using From = MuxEvent::Kind;
  using To = ConnectionEvent::Kind;
  for (std::size_t at = 0; at < mux_.events().size(); ++at) {  // handling one may cause others
    const MuxEvent event = mux_.events()[at];
    switch (event.kind) {
      case From::kOpened:
        negotiations_.emplace(event.stream, Negotiation{Multistream::listener(protocols_), now});
        break;
      case From::kReadable:
        on_stream_bytes(event.stream, now);
        break;
      case From::kWritable:
        events_.push_back({.kind = To::kWritable, .stream = event.stream});
        break;
      case From::kReset:
        negotiations_.erase(event.stream);
        agreed_.erase(event.stream);
        events_.push_back({.kind = To::kReset, .stream = event.stream, .value = event.value});
        break;
      case From::kPong:
        on_pong(event.value, now);
        break;
      case From::kGoAway:
        events_.push_back({.kind = To::kGoAway, .value = event.value});
        break;
    }
  }
  mux_.events().clear();
}

void Connection::on_stream_bytes(StreamId id, Instant now) {
  using Kind = ConnectionEvent::Kind;
  const auto found = negotiations_.find(id);
  if (found == negotiations_.end()) {
    events_.push_back({.kind = Kind::kReadable, .stream = id});
    return;
  }
  Multistream& negotiation = found->second.machine;
  ByteQueue answers;
  const auto taken = negotiation.feed(mux_.readable(id), answers);
  if (taken) mux_.consume(id, *taken, now);
  if (!answers.empty()) mux_.write(id, answers.view(), true);
  const bool ended = mux_.at_end(id) && negotiation.state() == Multistream::State::kRunning;
  if (!taken || ended || negotiation.state() == Multistream::State::kRefused) {
    give_up(id);
    return;
  }
  if (negotiation.state() != Multistream::State::kAgreed) return;
  const bool inbound = id % 2 == (role_ == Role::kInitiator ? 0 : 1);
  agreed_.emplace(id, negotiation.protocol());
  negotiations_.erase(found);
  events_.push_back({.kind = inbound ? Kind::kInbound : Kind::kAgreed, .stream = id});
  if (!mux_.readable(id).empty() || mux_.at_end(id)) events_.push_back({.kind = Kind::kReadable, .stream = id});
}

// Of theirs nobody has heard yet.
void Connection::give_up(StreamId id) {
  const bool theirs = id % 2 == (role_ == Role::kInitiator ? 0 : 1);
  negotiations_.erase(id);
  mux_.reset(id);
  if (!theirs) events_.push_back({.kind = ConnectionEvent::Kind::kRefused, .stream = id});
}

Result<StreamId> Connection::open(std::vector<std::string> proposals, Instant now, StreamClass of) {
  CHECK(secured(), "streams come after the handshake");
  const StreamId id = TRY(mux_.open(of));
  ByteQueue first;
  Negotiation negotiation{Multistream::dialer(std::move(proposals)), now};
  negotiation.machine.start(first);
  negotiations_.emplace(id, std::move(negotiation));
  mux_.write(id, first.view(), true);
  return id;
}

std::string Connection::take_protocol(StreamId id) {
  const auto node = agreed_.extract(id);
  return node.empty() ? std::string() : std::move(node.mapped());
}

void Connection::reset(StreamId id) {
  negotiations_.erase(id);
  agreed_.erase(id);
  mux_.reset(id);
}

// --- output ---

void Connection::seal_queued(std::size_t enough_bytes) {
  if (!channel_.established()) return;
  const std::size_t enough = std::min({enough_bytes, kSealedBytes, share_.allowance() / kBuffersPerShare + 1});
  const std::size_t message_bytes = std::clamp(enough_bytes, kLeastReadBytes, kMaxNoisePlainBytes);
  while (!plain_.empty() && wire_.size() < enough) {
    const std::size_t size = std::min(plain_.size(), kMaxNoisePlainBytes);
    channel_.seal(plain_.view().first(size), wire_);
    plain_.consume(size);
  }
  while (plain_.empty() && wire_.size() < enough) {
    const ByteView frames = mux_.next_output(message_bytes);
    if (frames.empty()) break;
    channel_.seal(frames, wire_);
    mux_.sent(frames.size());
  }
  translate({});
}

bool Connection::take_output(ByteQueue& out, std::size_t enough_bytes) {
  CHECK(out.empty(), "what was taken before is sent");
  seal_queued(enough_bytes);
  std::swap(out, wire_);
  lent_bytes_ = out.capacity();
  account();
  return !out.empty();
}

std::size_t Connection::held_bytes() const {
  return in_.capacity() + wire_.capacity() + lent_bytes_ + plain_.capacity() + mux_.held_bytes();
}

void Connection::release_memory() {
  wire_.release(kKeptQueueBytes);
  plain_.release(kKeptQueueBytes);
  mux_.release_memory();
  lent_bytes_ = 0;
  account();
}

void Connection::release_input() {
  read_bytes_ = kLeastReadBytes;
  in_.release(0);
  account();
}

}  // namespace micro::p2p
