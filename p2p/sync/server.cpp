#include "p2p/sync/server.hpp"

#include <algorithm>

namespace micro::p2p::sync {
namespace {

constexpr std::uint64_t kQueueRetryMs = 200;    // for who has too many requests waiting
constexpr std::size_t kLengthBytes = 4;         // before each item
constexpr std::uint64_t kBytesPerRead = 4'096;  // a read of so much more counts as another

std::uint64_t reads_of(std::size_t bytes) {
  return 1 + bytes / kBytesPerRead;
}

}  // namespace

SyncServer::SyncServer(Transport& transport, Source& source, const ServerLimits& limits)
    : transport_(transport),
      source_(source),
      limits_(limits),
      all_{TokenBucket(limits.all_bytes), TokenBucket(limits.all_reads), TokenBucket(limits.all_cpu_us)} {}

// --- what comes ---

/// Nothing where too many peers have something to pay back.
SyncServer::Spent* SyncServer::budget(const PeerId& peer, Instant now) {
  const auto known = spent_.find(peer);
  if (known != spent_.end()) return &known->second;
  if (spent_.size() >= kMaxServedPeers) {
    std::erase_if(spent_, [&](const auto& entry) { return entry.second.is_full(now); });
    if (spent_.size() >= kMaxServedPeers) return nullptr;
  }
  return &spent_
              .emplace(peer, Spent{TokenBucket(limits_.peer_bytes), TokenBucket(limits_.peer_reads),
                                   TokenBucket(limits_.peer_cpu_us)})
              .first->second;
}

std::uint64_t SyncServer::wait_ms(const Spent& spent, Instant now) const {
  const Instant ready = std::max(spent.ready_at(), all_.ready_at());
  return ready <= now ? 0 : (ready.ns - now.ns) / 1'000'000 + 1;
}

void SyncServer::refuse(CallId call, RefusalKind kind, std::uint64_t retry_ms) {
  const auto ms = static_cast<std::uint32_t>(std::min<std::uint64_t>(retry_ms, UINT32_MAX));
  transport_.reply(call, encode(Answer{.body = Refusal{.kind = kind, .retry_ms = ms}}));
}

void SyncServer::on_call(IncomingCall call, Instant now) {
  auto request = decode_request(call.body);
  if (!request) return transport_.reply(call.id, std::unexpected(request.error()));
  const Spent* spent = budget(call.from, now);
  if (spent == nullptr) return refuse(call.id, RefusalKind::kBusy, kQueueRetryMs);
  if (const std::uint64_t ms = wait_ms(*spent, now); ms > 0) return refuse(call.id, RefusalKind::kBusy, ms);
  const auto queue = queues_.find(call.from);
  const std::size_t own = queue == queues_.end() ? 0 : queue->second.size();
  if (own >= limits_.max_waiting_per_peer || waiting_ >= limits_.max_waiting) {
    return refuse(call.id, RefusalKind::kBusy, kQueueRetryMs);
  }
  queues_[call.from].push_back({.call = call.id, .request = *std::move(request)});
  ++waiting_;
}

void SyncServer::on_cancelled(CallId call) {
  for (auto it = queues_.begin(); it != queues_.end(); ++it) {
    const std::size_t gone = std::erase_if(it->second, [&](const Waiting& one) { return one.call == call; });
    waiting_ -= gone;
    if (it->second.empty()) queues_.erase(it);
    if (gone > 0) return;
  }
}

// --- what is answered ---

std::optional<PeerId> SyncServer::step(Instant now) {
  if (queues_.empty()) return std::nullopt;
  auto turn = queues_.upper_bound(last_served_);
  if (turn == queues_.end()) turn = queues_.begin();
  const PeerId peer = turn->first;
  const Waiting work = std::move(turn->second.front());
  turn->second.pop_front();
  if (turn->second.empty()) queues_.erase(turn);
  --waiting_;
  last_served_ = peer;

  Spent* spent = budget(peer, now);
  const std::uint64_t ms = spent == nullptr ? kQueueRetryMs : wait_ms(*spent, now);
  if (ms > 0) {
    refuse(work.call, RefusalKind::kBusy, ms);
    return peer;
  }
  std::uint64_t reads = 1;
  auto whole = answer(work.request, reads);
  spent->reads.spend_briefly(reads, now);
  all_.reads.spend_briefly(reads, now);
  if (!whole) {
    if (whole.error().fault == Fault::kNotFound) {
      refuse(work.call, RefusalKind::kGone, 0);
    } else {
      transport_.reply(work.call, std::unexpected(whole.error()));
    }
    return peer;
  }
  const ByteView bytes(**whole);
  if (work.request.offset >= bytes.size()) {
    transport_.reply(work.call, fail(Fault::kInvalid, "a part behind the end"));
    return peer;
  }
  const ByteView rest = bytes.subspan(work.request.offset);
  const ByteView part = rest.first(std::min<std::size_t>(rest.size(), work.request.want_bytes));
  spent->bytes.spend_briefly(part.size(), now);
  all_.bytes.spend_briefly(part.size(), now);
  transport_.reply(work.call, encode(Answer{.body = Part{.total = static_cast<std::uint32_t>(bytes.size()),
                                                         .bytes = Blob<kMaxWantBytes>(part)}}));
  return peer;
}

void SyncServer::charge_cpu(const PeerId& peer, std::uint64_t us, Instant now) {
  all_.cpu_us.spend_briefly(us, now);
  if (Spent* spent = budget(peer, now)) spent->cpu_us.spend_briefly(us, now);
}

/// An answer of several parts is read once, and kept until its last part left or others need the room.
Result<std::shared_ptr<const Bytes>> SyncServer::answer(const Request& request, std::uint64_t& reads) {
  Request whole = request;
  whole.offset = 0;
  const Hash key = blake2b_256(encode(whole));
  const auto kept = std::ranges::find(kept_, key, &Kept::request);
  if (kept != kept_.end()) {
    const auto out = kept->answer;
    kept_.splice(kept_.begin(), kept_, kept);
    if (request.offset + request.want_bytes >= out->size()) {
      kept_bytes_ -= out->size();
      kept_.pop_front();
    }
    return out;
  }
  const auto out = std::make_shared<const Bytes>(TRY(make(request, reads)));
  if (out->size() > request.want_bytes && request.offset + request.want_bytes < out->size()) keep(key, out);
  return out;
}

void SyncServer::keep(const Hash& request, const std::shared_ptr<const Bytes>& answer) {
  if (answer->size() > limits_.max_kept_bytes) return;
  kept_bytes_ += answer->size();
  kept_.push_front({.request = request, .answer = answer});
  while (kept_bytes_ > limits_.max_kept_bytes) {
    kept_bytes_ -= kept_.back().answer->size();
    kept_.pop_back();
  }
}

Result<Bytes> SyncServer::make(const Request& request, std::uint64_t& reads) {
  const std::size_t want = request.want_bytes;
  if (const auto* ask = std::get_if<HeadersAsk>(&request.ask)) {
    const HeadersAnswer out =
        TRY(source_.headers(ask->anchor, ask->first, std::min<std::size_t>(ask->count, kMaxHeadersPerAnswer), want));
    reads += out.headers.size();
    return encode(out);
  }
  if (const auto* ask = std::get_if<HeadersByIdAsk>(&request.ask)) {
    return by_id<HeadersByIdAnswer, HeaderBytes>(ask->ids, want, reads,
                                                 [&](const Id& id) { return source_.header(id); });
  }
  if (const auto* ask = std::get_if<BlocksAsk>(&request.ask)) return blocks(*ask, want, reads);
  if (const auto* ask = std::get_if<BlocksByIdAsk>(&request.ask)) {
    return by_id<BlocksByIdAnswer, BlockBytes>(ask->ids, want, reads, [&](const Id& id) { return source_.block(id); });
  }
  if (const auto* ask = std::get_if<StateAsk>(&request.ask)) {
    const StateAnswer out = TRY(source_.state(ask->root, ask->first, ask->last, want));
    reads += reads_of(out.range.size());
    return encode(out);
  }
  return encode(TRY(source_.status()));
}

Result<Bytes> SyncServer::blocks(const BlocksAsk& ask, std::size_t want_bytes, std::uint64_t& reads) {
  BlocksAnswer out;
  std::size_t bytes = kLengthBytes;
  for (std::uint64_t n = 0; n < ask.count && out.blocks.size() < kMaxBlocksPerAnswer; ++n) {
    auto block = source_.block(ask.first + n);
    reads += block ? reads_of(block->size()) : 1;
    if (!block && block.error().fault == Fault::kNotFound && !out.blocks.empty()) break;
    if (!block) return std::unexpected(block.error());
    const std::size_t size = kLengthBytes + block->size();
    if (!out.blocks.empty() && bytes + size > want_bytes) break;
    bytes += size;
    out.blocks.push_back(BlockBytes(*std::move(block)));
    if (bytes >= want_bytes) break;
  }
  return encode(out);
}

template <class Out, class Item, class Read>
Result<Bytes> SyncServer::by_id(const std::vector<Id>& ids, std::size_t want_bytes, std::uint64_t& reads, Read read) {
  Out out;
  auto& items = out.*std::get<0>(codec_detail::kMembers<Out>);
  std::size_t bytes = kLengthBytes;
  for (const Id& id : ids) {
    auto item = read(id);
    reads += item ? reads_of(item->size()) : 1;
    if (!item && item.error().fault != Fault::kNotFound) return std::unexpected(item.error());
    const std::size_t size = 1 + (item ? kLengthBytes + item->size() : 0);
    if (!items.empty() && bytes + size > want_bytes) break;
    bytes += size;
    items.push_back(item ? std::optional<Item>(Item(*std::move(item))) : std::nullopt);
  }
  return encode(out);
}

}  // namespace micro::p2p::sync
