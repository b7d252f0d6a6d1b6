#include "wallet/payer/payer.hpp"

#include <algorithm>
#include <map>
#include <system_error>

#include "wallet/disk/files.hpp"
#include "wallet/payer/lane_file.hpp"

namespace micro {
namespace {

constexpr std::string_view kChannelFile = "channel";
constexpr std::string_view kDroppedFile = "dropped";
constexpr std::size_t kMaxChannelFileBytes = 4096;

/// Whether somebody waits for the pending call of a lane that is open here.
enum class Phase : std::uint8_t { kSettled, kInFlight, kUnknown };

struct OpenLane {
  LaneFile file;
  Phase phase;
};

struct OpenChannelState {
  PayerChannel channel;
  std::string dropped;  ///< why
  std::map<std::uint8_t, OpenLane> lanes;
};

Result<OpenChannelState> load_channel(const std::filesystem::path& folder) {
  OpenChannelState out;
  const auto path = folder / kChannelFile;
  const Bytes bytes = TRY(read_file(path, kMaxChannelFileBytes));
  const auto channel = decode<PayerChannel>(bytes);
  if (!channel || channel->version != 1 || channel->id.hex() != folder.filename().string() || channel->lanes == 0 ||
      channel->lanes > kMaxLanesPerChannel) {
    return fail(Fault::kCorrupt, path.string() + " is damaged", "restore it from a backup");
  }
  out.channel = *channel;
  const auto dropped = read_file(folder / kDroppedFile, kMaxDropReasonBytes);
  if (dropped) out.dropped = as_text(*dropped);
  if (!dropped && dropped.error().fault != Fault::kNotFound) return std::unexpected(dropped.error());
  return out;
}

Payment payment_of(const SignedCall& call, bool again) {
  return {call, again};
}

}  // namespace

struct Payer::Impl {
  std::filesystem::path folder;
  PayerConfig config;
  std::map<ChannelId, OpenChannelState> channels;

  std::filesystem::path folder_of(const ChannelId& id) const { return folder / id.hex(); }

  Result<OpenChannelState*> find(const ChannelId& id) {
    const auto found = channels.find(id);
    if (found == channels.end()) return fail(Fault::kNotFound, "this wallet has no channel " + id.brief());
    return &found->second;
  }

  /// kBusy when another process has it.
  Result<OpenLane*> open_lane(OpenChannelState& state, std::uint8_t lane) {
    if (lane >= state.channel.lanes) return fail(Fault::kInvalid, "the channel has no such lane");
    if (const auto found = state.lanes.find(lane); found != state.lanes.end()) return &found->second;
    LaneFile file = TRY(LaneFile::open(folder_of(state.channel.id), state.channel, lane, config.compact_lane_bytes));
    const Phase phase = file.lane().pending() ? Phase::kUnknown : Phase::kSettled;
    // A drop is written to the lane first; a crash between the two must not let the host be paid again.
    if (file.lane().dropped() && state.dropped.empty()) TRY(mark_dropped(state, file.lane().dropped()->reason));
    return &state.lanes.emplace(lane, OpenLane{std::move(file), phase}).first->second;
  }

  Result<OpenLane*> lane_of(const ChannelId& id, std::uint8_t lane) {
    OpenChannelState* state = TRY(find(id));
    return open_lane(*state, lane);
  }

  Status mark_dropped(OpenChannelState& state, const std::string& reason) {
    state.dropped = reason;
    return write_file_durably(folder_of(state.channel.id) / kDroppedFile, as_bytes(reason), IfPresent::kReplace);
  }

  Result<Amount> committed(OpenChannelState& state, std::uint8_t lane) {
    const auto place = folder_of(state.channel.id);
    if (!state.lanes.contains(lane) && !LaneFile::exists(place, lane)) return Amount();
    // Opened once instead of read at every call; a lane of another process can only be read.
    const auto opened = open_lane(state, lane);
    if (opened) return (*opened)->file.lane().committed();
    if (opened.error().fault != Fault::kBusy) return std::unexpected(opened.error());
    return LaneFile::peek_committed(place, state.channel, lane);
  }

  /// What all other lanes may cost.
  Result<Amount> committed_elsewhere(OpenChannelState& state, std::uint8_t lane) {
    Amount sum;
    for (std::uint8_t other = 0; other < state.channel.lanes; ++other) {
      if (other == lane) continue;
      sum = TRY(checked_add(sum, TRY(committed(state, other))));
    }
    return sum;
  }

  /// Opens what it can. The lowest free lane, so that idle ones stay unused and need no deposit.
  Result<std::uint8_t> free_lane(OpenChannelState& state) {
    bool unknown = false;
    for (std::uint8_t lane = 0; lane < state.channel.lanes; ++lane) {
      const auto opened = open_lane(state, lane);
      if (!opened && opened.error().fault == Fault::kBusy) continue;
      if (!opened) return std::unexpected(opened.error());
      if ((*opened)->phase == Phase::kSettled) return lane;
      unknown = unknown || (*opened)->phase == Phase::kUnknown;
    }
    if (unknown) {
      return fail(Fault::kUnknownOutcome, "earlier calls over this channel have no known outcome",
                  "send their vouchers again first");
    }
    return fail(Fault::kBusy, "every lane of the channel waits for an answer", "try again, or open it with more lanes");
  }

  Status refuse_dropped(const OpenChannelState& state) const {
    if (state.dropped.empty()) return {};
    return fail(Fault::kDenied, "this host is not paid any more: " + state.dropped, "call the service at another host");
  }

  Status flush() {
    Status first;
    for (auto& [id, state] : channels) {
      for (auto& [lane, open] : state.lanes) {
        const auto written = open.file.flush();
        if (!written && first) first = written;
      }
    }
    return first;
  }
};

Payer::Payer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Payer::Payer(Payer&&) noexcept = default;
Payer& Payer::operator=(Payer&&) noexcept = default;
Payer::~Payer() {
  if (impl_) static_cast<void>(impl_->flush());
}

Result<Payer> Payer::open(const std::filesystem::path& folder, PayerConfig config) {
  TRY(make_private_folder(folder));
  auto impl = std::make_unique<Impl>();
  impl->folder = folder;
  impl->config = config;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    // A crash while a channel was added leaves a folder without its file: nothing was signed for it yet.
    if (!it->is_directory() || !std::filesystem::exists(it->path() / kChannelFile)) continue;
    OpenChannelState state = TRY(load_channel(it->path()));
    const ChannelId id = state.channel.id;
    impl->channels.emplace(id, std::move(state));
  }
  if (error) return fail(Fault::kIo, "cannot read " + folder.string() + ": " + error.message());
  return Payer(std::move(impl));
}

Status Payer::add_channel(const PayerChannel& channel) {
  if (channel.lanes == 0 || channel.lanes > kMaxLanesPerChannel) {
    return fail(Fault::kInvalid, "a channel has 1 to " + std::to_string(kMaxLanesPerChannel) + " lanes");
  }
  if (const auto found = impl_->channels.find(channel.id); found != impl_->channels.end()) {
    if (found->second.channel == channel) return {};
    return fail(Fault::kRejected, "the channel is known with other terms");
  }
  const auto folder = impl_->folder_of(channel.id);
  TRY(make_private_folder(folder));
  TRY(write_file_durably(folder / kChannelFile, encode(channel), IfPresent::kReplace));
  impl_->channels.emplace(channel.id, OpenChannelState{channel, {}, {}});
  return {};
}

std::vector<PayerChannel> Payer::channels() const {
  std::vector<PayerChannel> out;
  for (const auto& [id, state] : impl_->channels) out.push_back(state.channel);
  return out;
}

Result<PayerChannel> Payer::find_channel(const ServiceId& service, const Address& session, Epoch now) const {
  const PayerChannel* best = nullptr;
  for (const auto& [id, state] : impl_->channels) {
    const PayerChannel& channel = state.channel;
    if (channel.service != service || channel.session != session || now >= channel.end || !state.dropped.empty())
      continue;
    if (best == nullptr || channel.end > best->end) best = &channel;
  }
  if (best == nullptr) return fail(Fault::kNotFound, "no open channel pays this service", "open one");
  return *best;
}

Status Payer::forget_channel(const ChannelId& channel) {
  OpenChannelState* state = TRY(impl_->find(channel));
  for (std::uint8_t lane = 0; lane < state->channel.lanes; ++lane) {
    static_cast<void>(TRY(impl_->open_lane(*state, lane)));  // locked: nobody else uses the channel
  }
  const auto folder = impl_->folder_of(channel);
  // The channel's file goes first: a crash after it leaves a folder that open() passes over.
  std::error_code error;
  std::filesystem::remove(folder / kChannelFile, error);
  if (!error) {
    TRY(sync_folder(folder));
    impl_->channels.erase(channel);
    std::filesystem::remove_all(folder, error);
  }
  if (error) return fail(Fault::kIo, "cannot remove " + folder.string() + ": " + error.message());
  return sync_folder(impl_->folder);
}

Result<Payment> Payer::pay(const ChannelId& channel, const SecretKey& vkey, const CallOrder& order, Amount deposit) {
  OpenChannelState* state = TRY(impl_->find(channel));
  TRY(impl_->refuse_dropped(*state));
  const std::uint8_t number = TRY(impl_->free_lane(*state));
  TRY(impl_->refuse_dropped(*state));  // opening a lane may have found a drop
  OpenLane* lane = TRY(impl_->open_lane(*state, number));
  const Amount elsewhere = TRY(impl_->committed_elsewhere(*state, number));
  const entry::Signed entry = TRY(lane->file.lane().prepare(vkey, order, deposit, elsewhere));
  TRY(lane->file.commit(entry));
  lane->phase = Phase::kInFlight;
  return payment_of(entry.call, false);
}

Result<Judgement> Payer::answer(const ChannelId& channel, std::uint8_t lane, const CallAnswer& answer) {
  OpenChannelState* state = TRY(impl_->find(channel));
  OpenLane* open = TRY(impl_->open_lane(*state, lane));
  auto judged = open->file.lane().judge(answer);
  if (!judged) {
    if (open->phase == Phase::kInFlight) open->phase = Phase::kUnknown;
    return judged;
  }
  for (const auto& entry : judged->entries) {
    const bool settled = std::holds_alternative<entry::Settled>(entry);
    const bool waits = settled || std::holds_alternative<entry::Answered>(entry);
    TRY(waits ? open->file.apply_now_write_later(entry) : open->file.commit(entry));
    if (settled) open->phase = Phase::kSettled;
  }
  if (judged->verdict == CallVerdict::kDropped) TRY(impl_->mark_dropped(*state, judged->reason));
  return judged;
}

Status Payer::lost(const ChannelId& channel, std::uint8_t lane) {
  OpenLane* open = TRY(impl_->lane_of(channel, lane));
  if (open->phase == Phase::kInFlight) open->phase = Phase::kUnknown;
  return {};
}

Result<std::vector<Payment>> Payer::unresolved(const ChannelId& channel) {
  OpenChannelState* state = TRY(impl_->find(channel));
  std::vector<Payment> out;
  if (!state->dropped.empty()) return out;
  for (std::uint8_t lane = 0; lane < state->channel.lanes; ++lane) {
    const auto opened = impl_->open_lane(*state, lane);
    if (!opened && opened.error().fault == Fault::kBusy) continue;
    if (!opened) return std::unexpected(opened.error());
    OpenLane& open = **opened;
    if (open.phase != Phase::kUnknown || open.file.lane().dropped()) continue;
    out.push_back(payment_of(*open.file.lane().pending(), true));
    open.phase = Phase::kInFlight;
  }
  return out;
}

Result<bool> Payer::correct(const ChannelId& channel, std::uint8_t lane, const LaneProof& proof, bool answer_is_gone) {
  OpenChannelState* state = TRY(impl_->find(channel));
  OpenLane* open = TRY(impl_->open_lane(*state, lane));
  const auto judged = open->file.lane().judge_proof(proof, answer_is_gone);
  if (!judged && judged.error().fault == Fault::kUnknownOutcome) return false;
  if (!judged) return std::unexpected(judged.error());
  TRY(open->file.commit(*judged));
  if (const auto* dropped = std::get_if<entry::Dropped>(&*judged)) {
    TRY(impl_->mark_dropped(*state, dropped->reason));
    return fail(Fault::kMismatch, "the host is not paid any more: " + dropped->reason,
                "call the service at another host");
  }
  open->phase = Phase::kSettled;
  return true;
}

Result<std::optional<Payment>> Payer::find_payment(const ChannelId& channel, std::string_view idempotency_key,
                                                   const CallRequestRecord& request) {
  OpenChannelState* state = TRY(impl_->find(channel));
  if (idempotency_key.empty()) return std::nullopt;
  const auto same_request = [&](const SignedCall& call) -> Result<std::optional<Payment>> {
    CallRequestRecord again = request;
    again.price_epoch = call.request.price_epoch;
    if (call.voucher.req == request_hash(again)) return payment_of(call, true);
    return fail(Fault::kInvalid, "this Idempotency-Key was used for another request",
                "use a new key for a new request");
  };
  for (std::uint8_t lane = 0; lane < state->channel.lanes; ++lane) {
    const auto opened = impl_->open_lane(*state, lane);
    if (!opened && opened.error().fault == Fault::kBusy) continue;
    if (!opened) return std::unexpected(opened.error());
    const PayerLane& known = (*opened)->file.lane();
    if (known.pending() && known.pending()->idempotency_key == idempotency_key) return same_request(*known.pending());
    for (const auto& [call, receipt, answer] : known.remembered()) {
      const bool done = receipt.receipt.outcome == CallOutcomeKind::kDone;
      if (!done || call.idempotency_key != idempotency_key) continue;
      auto found = same_request(call);
      if (found && answer) (*found)->kept = Payment::Kept{receipt, *answer};
      return found;
    }
  }
  return std::nullopt;
}

Result<std::vector<LaneTotal>> Payer::totals(const ChannelId& channel) {
  OpenChannelState* state = TRY(impl_->find(channel));
  std::vector<LaneTotal> out;
  for (std::uint8_t lane = 0; lane < state->channel.lanes; ++lane) {
    const auto opened = impl_->open_lane(*state, lane);
    if (!opened && opened.error().fault == Fault::kBusy) continue;
    if (!opened) return std::unexpected(opened.error());
    const LaneState& settled = (*opened)->file.lane().settled();
    LaneTotal total;
    total.lane = lane;
    total.seq = settled.seq;
    total.cum_charged = settled.cum_charged;
    total.cum_base_fee = settled.cum_base_fee;
    out.push_back(total);
  }
  return out;
}

Result<std::vector<SignedReceipt>> Payer::receipts(const ChannelId& channel, std::uint8_t lane) {
  const OpenLane* open = TRY(impl_->lane_of(channel, lane));
  std::vector<SignedReceipt> out;
  for (const auto& call : open->file.lane().remembered()) out.push_back(call.receipt);
  if (const auto& dropped = open->file.lane().dropped()) out.push_back(dropped->evidence);
  return out;
}

Result<std::string> Payer::drop_reason(const ChannelId& channel) const {
  const OpenChannelState* state = TRY(impl_->find(channel));
  return state->dropped;
}

Status Payer::flush() {
  return impl_->flush();
}

}  // namespace micro
